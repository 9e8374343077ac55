"""What all messages share, by the documented import path; nothing else lives here."""

from .chunk import BaseMessageChunk
from .merge import merge_content
from .message import BaseMessage, TextAccessor, get_msg_title_repr
from .stored import message_to_dict, messages_to_dict

__all__ = [
    "BaseMessage",
    "BaseMessageChunk",
    "TextAccessor",
    "get_msg_title_repr",
    "merge_content",
    "message_to_dict",
    "messages_to_dict",
]
