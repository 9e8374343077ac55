"""Token usage by their documented import path; nothing else lives here."""

from . import UsageMetadataCallbackHandler, get_usage_metadata_callback

__all__ = ["UsageMetadataCallbackHandler", "get_usage_metadata_callback"]
