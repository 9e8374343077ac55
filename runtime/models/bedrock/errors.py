"""Every error of a call of Bedrock, as one tree.

    BedrockError (ModelError)
    ├── ThrottlingError                                too many requests; passes with time
    ├── ServiceUnavailableError                        5xx, or the service says it cannot serve now
    ├── ModelNotReadyError                             the model is being started; passes with time
    ├── ModelTimeoutError                              the model took longer than the service allows
    ├── ModelFailureError                              the model failed (HTTP 424)
    ├── ModelStreamError                               the model failed inside a stream
    ├── RequestInvalidError (ValueError)               the service refuses the request as it is
    │   └── ContextOverflowError                       it is longer than the model's context
    ├── AccessDeniedError                              known, but not allowed
    ├── CredentialsError                               missing, expired or unknown credentials; never tried again
    ├── NotFoundError                                  no such model, profile, guardrail, ...
    ├── QuotaError                                     a quota is used up, such as tokens per day
    ├── TruncatedStreamError                           a stream ended before its end event
    ├── ConnectionFailedError (ConnectionError)        no connection, or it broke, or what came is damaged
    └── ReadTimeoutError (TimeoutError)                nothing came for longer than the time limit

`GuardrailInterventionError` stands beside it: the call went well, and the caller asked for an error.

The built-in class in brackets is a second base, so programs that catch it keep working; like every `ModelError` all of
them are a `ValueError` too.
"""

from __future__ import annotations

from ...exceptions import GuardrailInterventionError, ModelError

__all__ = [
    "AccessDeniedError",
    "BedrockError",
    "ConnectionFailedError",
    "ContextOverflowError",
    "CredentialsError",
    "GuardrailInterventionError",
    "ModelFailureError",
    "ModelNotReadyError",
    "ModelStreamError",
    "ModelTimeoutError",
    "NotFoundError",
    "QuotaError",
    "ReadTimeoutError",
    "RequestInvalidError",
    "ServiceUnavailableError",
    "ThrottlingError",
    "TruncatedStreamError",
]


class BedrockError(ModelError):
    """A call of Bedrock failed.

    Attributes:
        code: The service's name of the error, or None where it did not get to say.
        request_id: The service's id of the request, to quote to its support; None where no answer came.
        status: The HTTP status, or None where no answer came. An error inside a stream follows a status of 200.
        attempts: How many attempts there were, the first included.
        retry_after_s: How long the service asks to wait before the next attempt, in seconds; None if it does not say.
    """

    retry_after_s: float | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id
        self.status = status
        self.attempts = attempts


class ThrottlingError(BedrockError):
    """The service was asked too often; it passes with time."""


class ServiceUnavailableError(BedrockError):
    """The service failed (5xx) or cannot serve now; it passes with time."""


class ModelNotReadyError(BedrockError):
    """The model is being started; it passes with time."""


class ModelTimeoutError(BedrockError):
    """The model took longer than the service allows."""


class ModelFailureError(BedrockError):
    """The model failed at this request.

    Attributes:
        original_status: The status that the model answered, or None.
        original_message: What the model said, or None.
    """

    original_status: int | None = None
    original_message: str | None = None


class ModelStreamError(BedrockError):
    """The model failed inside a stream.

    Attributes:
        original_status: The status that the model answered, or None.
        original_message: What the model said, or None.
    """

    original_status: int | None = None
    original_message: str | None = None


class RequestInvalidError(BedrockError):
    """The service refuses the request as it is; sending it again is no use."""


class ContextOverflowError(RequestInvalidError):
    """The request is longer than the model's context."""


class AccessDeniedError(BedrockError):
    """The credentials are known, but not allowed to do this."""


class CredentialsError(BedrockError):
    """The credentials are missing, expired or unknown; the message says what to do."""


class NotFoundError(BedrockError):
    """There is no such model, profile, guardrail or knowledge base in this region and account."""


class QuotaError(BedrockError):
    """A quota is used up; waiting some seconds is no use."""


class TruncatedStreamError(BedrockError):
    """A stream ended before its end event: what came is incomplete."""


class ConnectionFailedError(BedrockError, ConnectionError):
    """There is no connection to the service, or it broke, or what came over it is damaged."""


class ReadTimeoutError(BedrockError, TimeoutError):
    """Nothing came for longer than the time limit."""
