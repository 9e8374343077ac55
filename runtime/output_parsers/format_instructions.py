"""What to tell a model so that its answer can be read; `{schema}` stands for the JSON schema of the answer."""

__all__ = ["JSON_FORMAT_INSTRUCTIONS"]

JSON_FORMAT_INSTRUCTIONS = (
    "Answer with one JSON value that is valid under the JSON schema below, and with nothing else: "
    "the value itself, not the schema.\n```\n{schema}\n```"
)
"""Asks for JSON under a schema."""
