"""Functions of conversations, by the documented import path; nothing else lives here."""

from .chunks import message_chunk_to_message
from .convert import AnyMessage, MessageLikeRepresentation, convert_to_messages, get_buffer_string
from .count import count_tokens_approximately
from .openai import convert_to_openai_messages
from .select import filter_messages, merge_message_runs
from .stored import messages_from_dict
from .trim import trim_messages

__all__ = [
    "AnyMessage",
    "MessageLikeRepresentation",
    "convert_to_messages",
    "convert_to_openai_messages",
    "count_tokens_approximately",
    "filter_messages",
    "get_buffer_string",
    "merge_message_runs",
    "message_chunk_to_message",
    "messages_from_dict",
    "trim_messages",
]
