"""Text prompts and the formats of their templates by the documented import path; nothing else lives here."""

from .formats import check_valid_template, get_template_variables
from .jinja import jinja2_formatter, validate_jinja2
from .mustache import mustache_formatter, mustache_schema, mustache_template_vars
from .template import StringPromptTemplate

__all__ = [
    "StringPromptTemplate",
    "check_valid_template",
    "get_template_variables",
    "jinja2_formatter",
    "mustache_formatter",
    "mustache_schema",
    "mustache_template_vars",
    "validate_jinja2",
]
