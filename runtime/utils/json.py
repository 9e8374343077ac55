"""Names for reading a model's JSON, under their documented path."""

from ..partial_json import parse_and_check_json_markdown, parse_json_markdown, parse_partial_json

__all__ = ["parse_and_check_json_markdown", "parse_json_markdown", "parse_partial_json"]
