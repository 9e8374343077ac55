"""Names for describing tools to models, under their documented path."""

from ..tools.example_messages import tool_example_to_messages
from ..tools.openai_functions import convert_to_json_schema, convert_to_openai_function, convert_to_openai_tool

__all__ = [
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "tool_example_to_messages",
]
