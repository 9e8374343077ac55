"""The exceptions of this package, one tree.

    ExportError
    |- ConfigurationError (also a ValueError): a setting is wrong; raised while configuring, never later
    |- MissingExtraError (also an ImportError): an optional package is needed
    |- SpanFormatError (also a ValueError): a document is not the span format it should be
    |- DeliveryError: a sink could not hand its spans on
    `- StoreError: a store cannot be opened, read or written
       |- ForeignStoreError: the file belongs to another program
       `- AmbiguousIdError (also a LookupError): an id's beginning fits several traces

None of them reaches a running program from the background: there, failures are counted and logged.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousIdError",
    "ConfigurationError",
    "DeliveryError",
    "ExportError",
    "ForeignStoreError",
    "MissingExtraError",
    "SpanFormatError",
    "StoreError",
]


class ExportError(Exception):
    """The root of every error that this package raises."""


class ConfigurationError(ExportError, ValueError):
    """A setting or an environment variable holds a value that cannot be used."""


class MissingExtraError(ExportError, ImportError):
    """A package of an optional extra is not installed; the text holds the command that installs it."""


class SpanFormatError(ExportError, ValueError):
    """A document is not the format it was read as."""


class DeliveryError(ExportError):
    """Spans could not be handed on.

    Args:
        message: What happened and what to do.
        failed_spans: How many spans of the batch were not delivered; None means all of them.
    """

    def __init__(self, message: str, failed_spans: int | None = None) -> None:
        super().__init__(message)
        self.failed_spans = failed_spans


class StoreError(ExportError):
    """A span store cannot be opened, read or written."""


class ForeignStoreError(StoreError):
    """The file exists and is not a span store of ours; it was left untouched."""


class AmbiguousIdError(StoreError, LookupError):
    """The beginning of an id fits more than one trace."""
