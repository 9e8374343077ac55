"""Prompts: variables in, a value for any model out."""

from .base import BasePromptTemplate, aformat_document, format_document
from .chat import BaseChatPromptTemplate, ChatPromptTemplate
from .dict import DictPromptTemplate
from .few_shot import FewShotChatMessagePromptTemplate, FewShotPromptTemplate
from .few_shot_with_templates import FewShotPromptWithTemplates
from .formats import check_valid_template, get_template_variables
from .image import ImagePromptTemplate
from .jinja import jinja2_formatter, validate_jinja2
from .loading import load_prompt
from .message_templates import (
    AIMessagePromptTemplate,
    BaseMessagePromptTemplate,
    BaseStringMessagePromptTemplate,
    ChatMessagePromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    SystemMessagePromptTemplate,
)
from .structured import StructuredPrompt
from .template import PromptTemplate, StringPromptTemplate

__all__ = [
    "AIMessagePromptTemplate",
    "BaseChatPromptTemplate",
    "BaseMessagePromptTemplate",
    "BasePromptTemplate",
    "BaseStringMessagePromptTemplate",
    "ChatMessagePromptTemplate",
    "ChatPromptTemplate",
    "DictPromptTemplate",
    "FewShotChatMessagePromptTemplate",
    "FewShotPromptTemplate",
    "FewShotPromptWithTemplates",
    "HumanMessagePromptTemplate",
    "ImagePromptTemplate",
    "MessagesPlaceholder",
    "PromptTemplate",
    "StringPromptTemplate",
    "StructuredPrompt",
    "SystemMessagePromptTemplate",
    "aformat_document",
    "check_valid_template",
    "format_document",
    "get_template_variables",
    "jinja2_formatter",
    "load_prompt",
    "validate_jinja2",
]
