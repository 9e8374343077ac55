"""Chat models, under the documented path of their names."""

from ..chat import ChatBedrock
from ..chat_converse import ChatBedrockConverse

__all__ = ["ChatBedrock", "ChatBedrockConverse"]
