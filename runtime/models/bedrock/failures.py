"""How whatever went wrong becomes an error of the tree: the service's answers, a stream's frames, broken connections.

The service names an error in the header `x-amzn-ErrorType`, in the body, or in a frame; HTTP writes
`ThrottlingException`, a stream `throttlingException`. What it does not name is judged by the HTTP status.

Some errors hide behind others' names, and only their texts tell: a context that is too long is a `ValidationException`,
a used-up quota of a day a `ThrottlingException`, a bad API key an `AccessDeniedException`.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .errors import (
    AccessDeniedError,
    BedrockError,
    ConnectionFailedError,
    ContextOverflowError,
    CredentialsError,
    ModelFailureError,
    ModelNotReadyError,
    ModelStreamError,
    ModelTimeoutError,
    NotFoundError,
    QuotaError,
    ReadTimeoutError,
    RequestInvalidError,
    ServiceUnavailableError,
    ThrottlingError,
    TruncatedStreamError,
)
from .patience import Patience

__all__ = ["retry_after_s", "service_error", "typed", "typed_errors"]

_BY_NAME: Mapping[str, type[BedrockError]] = {
    "accessdenied": AccessDeniedError,
    "conflict": RequestInvalidError,
    "expiredtoken": CredentialsError,
    "incompletesignature": CredentialsError,
    "internalfailure": ServiceUnavailableError,
    "internalserver": ServiceUnavailableError,
    "invalidclienttokenid": CredentialsError,
    "invalidsignature": CredentialsError,
    "missingauthenticationtoken": CredentialsError,
    "model": ModelFailureError,
    "modelnotready": ModelNotReadyError,
    "modelstream": ModelStreamError,
    "modeltimeout": ModelTimeoutError,
    "requestexpired": CredentialsError,
    "requestlimitexceeded": ThrottlingError,
    "requesttimeout": ServiceUnavailableError,
    "resourcenotfound": NotFoundError,
    "servicequotaexceeded": QuotaError,
    "serviceunavailable": ServiceUnavailableError,
    "signaturedoesnotmatch": CredentialsError,
    "throttled": ThrottlingError,
    "throttling": ThrottlingError,
    "toomanyrequests": ThrottlingError,
    "unrecognizedclient": CredentialsError,
    "validation": RequestInvalidError,
}
"""A name in lower case, without `Exception` or `Error` at its end."""

_BY_STATUS: Mapping[int, type[BedrockError]] = {
    400: RequestInvalidError,
    401: CredentialsError,
    403: AccessDeniedError,
    404: NotFoundError,
    408: ModelTimeoutError,
    413: RequestInvalidError,
    422: RequestInvalidError,
    424: ModelFailureError,
    429: ThrottlingError,
}

_OVERFLOWS = (
    "context length",
    "context window",
    "context_length_exceeded",
    "exceed context limit",
    "exceeds the maximum number of tokens",
    "input is too long",
    "input tokens exceed",
    "maximum context",
    "prompt is too long",
    "too many input tokens",
)
_BAD_CREDENTIALS = (
    "api key",
    "bearer token",
    "security token",
    "authentication failed",
    "unable to locate credentials",
)
_DAILY = ("per day", "daily")
_CREDENTIALS_ADVICE = (
    " Renew them (`aws sso login`, a new session token or API key), or give others: credentials_profile_name, "
    "aws_access_key_id with aws_secret_access_key, or api_key."
)


def service_error(answer: Mapping[str, Any], *, in_stream: bool = False) -> BedrockError:
    """Return the error that an answer of the service tells of.

    Args:
        answer: The answer as boto3 shapes it: `Error` with `Code` and `Message`, `ResponseMetadata`, and the members
            that the service's model gives the error.
        in_stream: Whether it came in a stream, behind a status of 200.
    """
    told, metadata = answer.get("Error") or {}, answer.get("ResponseMetadata") or {}
    code, text = str(told.get("Code") or ""), str(told.get("Message") or "")
    status = metadata.get("HTTPStatusCode")
    kind = _kind(code, text, status)
    advice = _CREDENTIALS_ADVICE if issubclass(kind, CredentialsError) else ""
    error = kind(
        f"{code or f'HTTP {status}'}: {text or 'The service gave no reason.'}{advice}",
        code=code or None,
        request_id=metadata.get("RequestId"),
        status=status,
    )
    if isinstance(error, (ModelFailureError, ModelStreamError)):
        error.original_status = answer.get("originalStatusCode")
        error.original_message = answer.get("originalMessage")
    if not in_stream:
        error.retry_after_s = retry_after_s(metadata.get("HTTPHeaders") or {})
    return error


def _kind(code: str, text: str, status: int | None) -> type[BedrockError]:
    name = code.lower().removesuffix("exception").removesuffix("error")
    by_status = _BY_STATUS.get(status or 0, ServiceUnavailableError if (status or 0) >= 500 else BedrockError)
    kind = _BY_NAME.get(name, by_status)
    lower = text.lower()
    if kind is RequestInvalidError and any(fragment in lower for fragment in _OVERFLOWS):
        return ContextOverflowError
    if kind is AccessDeniedError and any(fragment in lower for fragment in _BAD_CREDENTIALS):
        return CredentialsError
    if kind is ThrottlingError and any(fragment in lower for fragment in _DAILY):
        return QuotaError
    return kind


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long an answer's `Retry-After` asks to wait, in seconds, or None; it may be a number or a date.

    Args:
        headers: The answer's headers, names in lower case.
    """
    told = headers.get("retry-after")
    if told is None:
        return None
    try:
        wait_s = float(told)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(0.0, wait_s) if math.isfinite(wait_s) else None


_KINDS: Mapping[str, type[BedrockError]] = {
    "botocore.ParamValidationError": RequestInvalidError,
    "botocore.NoRegionError": RequestInvalidError,
    "botocore.InvalidRegionError": RequestInvalidError,
    "botocore.EndpointResolutionError": RequestInvalidError,
    "botocore.NoCredentialsError": CredentialsError,
    "botocore.PartialCredentialsError": CredentialsError,
    "botocore.CredentialRetrievalError": CredentialsError,
    "botocore.MetadataRetrievalError": CredentialsError,
    "botocore.ProfileNotFound": CredentialsError,
    "botocore.SSOError": CredentialsError,
    "botocore.TokenRetrievalError": CredentialsError,
    "botocore.IncompleteReadError": TruncatedStreamError,
    "botocore.ReadTimeoutError": ReadTimeoutError,
    "botocore.HTTPClientError": ConnectionFailedError,
    "botocore.ConnectionError": ConnectionFailedError,
    "botocore.ResponseParserError": ConnectionFailedError,
    "botocore.ParserError": ConnectionFailedError,
    "botocore.BotoCoreError": BedrockError,
    "urllib3.ReadTimeoutError": ReadTimeoutError,
    "urllib3.HTTPError": ConnectionFailedError,
    "http.HTTPException": ConnectionFailedError,
    "builtins.TimeoutError": ReadTimeoutError,
    "builtins.OSError": ConnectionFailedError,
}
"""Top package and class -> our class; the class of an error nearest in its ancestry decides."""

_ADVICE: Mapping[str, str] = {
    "botocore.NoRegionError": " Give region_name, set AWS_REGION, or name a region in the profile.",
    "botocore.ReadTimeoutError": " Raise timeout if the model needs longer.",
}


def typed(error: Exception) -> BedrockError | None:
    """Return the error of the tree that stands for one of botocore or of a connection; None for any other.

    Args:
        error: The error as it was raised.
    """
    if isinstance(error, BedrockError):
        return error
    response = getattr(error, "response", None)
    names = [f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(error).__mro__]
    if isinstance(response, Mapping) and "botocore.ClientError" in names:
        return service_error(response, in_stream="botocore.EventStreamError" in names)
    for name in names:
        if name in _KINDS:
            text = str(error) or type(error).__name__
            kind = _KINDS[name]
            advice = _CREDENTIALS_ADVICE if kind is CredentialsError else _ADVICE.get(name, "")
            return kind(f"{text.rstrip('.')}.{advice}")
    if _is_raised_in(error, "botocore.parsers"):
        return ConnectionFailedError(f"The answer cannot be read as one of the service's: {error!r}.")
    return None


def _is_raised_in(error: Exception, module: str) -> bool:
    """Return whether a module's own code raised an error: botocore's parser stumbles over answers of a wrong shape."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__") == module


@contextmanager
def typed_errors(head: Mapping[str, Any] | None = None, patience: Patience | None = None) -> Generator[None]:
    """Raise errors of botocore and of connections that the block raises as errors of the tree; others pass.

    Args:
        head: The head of the answer that the block reads; its request id goes into the error.
        patience: The limit that the block may run into.
    """
    try:
        yield
    except Exception as exc:
        found = typed(exc)
        if found is None:
            raise
        if isinstance(found, ReadTimeoutError) and patience is not None and patience.is_over:
            found = patience.late()
        if head is not None and found.request_id is None:
            metadata = head.get("ResponseMetadata") or {}
            found.request_id, found.status = metadata.get("RequestId"), metadata.get("HTTPStatusCode")
        if found is exc:
            raise
        raise found from exc
