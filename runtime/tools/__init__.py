"""Tools: what a model may ask to be called."""

from .answers import ToolException
from .as_tool import convert_runnable_to_tool
from .base import BaseTool, BaseToolkit
from .decorator import tool
from .schema import create_schema_from_function
from .structured import StructuredTool

__all__ = [
    "BaseTool",
    "BaseToolkit",
    "StructuredTool",
    "ToolException",
    "convert_runnable_to_tool",
    "create_schema_from_function",
    "tool",
]
