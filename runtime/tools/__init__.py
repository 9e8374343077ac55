"""Tools: what a model may ask to be called."""

from .answers import ToolException
from .as_tool import convert_runnable_to_tool
from .base import ArgsSchema, BaseTool, BaseToolkit
from .decorator import tool
from .markers import InjectedToolArg, InjectedToolCallId
from .render import ToolsRenderer, render_text_description, render_text_description_and_args
from .retriever import RetrieverInput, create_retriever_tool
from .schema import create_schema_from_function
from .simple import Tool
from .structured import StructuredTool

__all__ = [
    "ArgsSchema",
    "BaseTool",
    "BaseToolkit",
    "InjectedToolArg",
    "InjectedToolCallId",
    "RetrieverInput",
    "StructuredTool",
    "Tool",
    "ToolException",
    "ToolsRenderer",
    "convert_runnable_to_tool",
    "create_retriever_tool",
    "create_schema_from_function",
    "render_text_description",
    "render_text_description_and_args",
    "tool",
]
