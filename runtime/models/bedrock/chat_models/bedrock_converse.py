"""The chat model over Converse, under the documented path of its name."""

from ..chat_converse import ChatBedrockConverse

__all__ = ["ChatBedrockConverse"]
