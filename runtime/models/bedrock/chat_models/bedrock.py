"""The chat model over InvokeModel, under the documented path of its name."""

from ..chat import ChatBedrock

__all__ = ["ChatBedrock"]
