"""Names that make tools of functions and runnables, and describe them to models, under their documented path."""

from .as_tool import convert_runnable_to_tool
from .decorator import tool
from .openai_functions import convert_to_json_schema, convert_to_openai_function, convert_to_openai_tool

__all__ = [
    "convert_runnable_to_tool",
    "convert_to_json_schema",
    "convert_to_openai_function",
    "convert_to_openai_tool",
    "tool",
]
