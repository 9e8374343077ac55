"""Errors before the first token: their kinds, which are tried again, how long is waited, what the span tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from spanloom.runtime.models.bedrock import errors
from spanloom.runtime.models.bedrock.failures import retry_after_s, service_error
from spanloom.runtime.models.bedrock.retrying import longest_wait_s
from spanloom.runtime.models.bedrock.transport import Transport
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing import SpanRecorder
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.tracing import names

from .travelling import CONVERSE, CONVERSE_STREAM, EVENTS, WAYS, Traveller, Way, connection, is_token

Travel = Callable[..., Traveller]
every_way = pytest.mark.parametrize("way", WAYS)

ANSWERS: list[tuple[str, str | None, type[errors.BedrockError], bool]] = [
    ("AccessDeniedException", None, errors.AccessDeniedError, False),
    ("AccessDeniedException", "Authentication failed: your API Key is not valid.", errors.CredentialsError, False),
    ("ConflictException", None, errors.RequestInvalidError, False),
    ("ExpiredTokenException", None, errors.CredentialsError, False),
    ("InternalServerException", None, errors.ServiceUnavailableError, True),
    ("ModelErrorException", None, errors.ModelFailureError, False),
    ("ModelNotReadyException", None, errors.ModelNotReadyError, True),
    ("ModelStreamErrorException", None, errors.ModelStreamError, True),
    ("ModelTimeoutException", None, errors.ModelTimeoutError, False),
    ("ResourceNotFoundException", None, errors.NotFoundError, False),
    ("ServiceQuotaExceededException", None, errors.QuotaError, False),
    ("ServiceUnavailableException", None, errors.ServiceUnavailableError, True),
    ("ThrottlingException", None, errors.ThrottlingError, True),
    ("ThrottlingException", "Too many tokens per day, please wait.", errors.QuotaError, False),
    ("UnrecognizedClientException", "The security token is invalid.", errors.CredentialsError, False),
    ("ValidationException", None, errors.RequestInvalidError, False),
    ("ValidationException", "Input is too long for requested model.", errors.ContextOverflowError, False),
    ("ValidationException", "prompt is too long: 9 tokens > 8 maximum", errors.ContextOverflowError, False),
]


@pytest.mark.row("X.08")
@every_way
@pytest.mark.parametrize(("code", "message", "kind", "passes"), ANSWERS)
def test_an_error_answer_is_of_its_kind_and_tried_again_only_where_that_may_help(
    travel: Travel, way: Way, code: str, message: str | None, kind: type[errors.BedrockError], passes: bool
) -> None:
    """It keeps code, status and request id, and counts its attempts."""
    traveller = travel(way, max_retries=1)
    traveller.server.fail("converse", code=code, message=message, times=None)
    with pytest.raises(errors.BedrockError) as caught:
        traveller.call(CONVERSE)
    error = caught.value
    seen = traveller.server.requests()
    assert type(error) is kind
    assert error.code == code
    assert error.status == seen[-1].status
    assert error.request_id
    assert error.attempts == len(seen) == (2 if passes else 1)
    if message:
        assert message in str(error)
    if kind is errors.CredentialsError:
        assert "credentials_profile_name" in str(error)


@every_way
def test_a_failed_model_tells_what_it_said_itself(travel: Travel, way: Way) -> None:
    """HTTP 424 has the model's own status."""
    traveller = travel(way)
    traveller.server.fail("converse", code="ModelErrorException", details={"originalStatusCode": 500})
    with pytest.raises(errors.ModelFailureError) as caught:
        traveller.call(CONVERSE)
    assert caught.value.original_status == 500


@pytest.mark.row("X.08")
@every_way
@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "ServiceUnavailableException"])
def test_a_call_that_fails_twice_answers_at_the_third_attempt(travel: Travel, way: Way, code: str) -> None:
    """The waits double; the answer tells of the retries."""
    traveller = travel(way)
    traveller.server.fail("converse", code=code, times=2)
    answer = traveller.call(CONVERSE)
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert traveller.waits == [0.5, 1.0]
    assert len(traveller.server.requests()) == 3


FAULTS: list[list[tuple[str, Any]]] = [
    [("throttlingException", {"message": "slow down"})],
    [EVENTS[0], ("throttlingException", {"message": "slow down"})],
    [EVENTS[0], ("modelStreamErrorException", {"message": "lost", "originalStatusCode": 500})],
    [EVENTS[0], ("!close", None)],
    [EVENTS[0], ("!reset", None)],
    [EVENTS[0], ("!truncate", None), EVENTS[1]],
    [EVENTS[0], ("!crc", None), EVENTS[1]],
    [("!end", None)],
]


@pytest.mark.row("X.08")
@every_way
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[-1][0] if fault[-1] != EVENTS[1] else fault[-2][0])
def test_a_stream_that_fails_before_its_first_token_is_tried_again(
    travel: Travel, way: Way, fault: list[tuple[str, Any]]
) -> None:
    """Events of the failed attempt are not given."""
    traveller = travel(way)
    traveller.server.stream("converse_stream", fault)
    traveller.server.stream("converse_stream", EVENTS)
    brought = traveller.stream(CONVERSE_STREAM)
    assert (brought.events, brought.error) == (EVENTS, None)
    assert brought.head["ResponseMetadata"]["RetryAttempts"] == 1
    assert traveller.waits == [0.5]


@pytest.mark.row("X.08")
@every_way
@pytest.mark.parametrize("connection_fault", ["close", "reset"])
def test_a_connection_that_breaks_before_the_answer_is_tried_again(
    travel: Travel, way: Way, connection_fault: str
) -> None:
    """Nothing was answered, so nothing can be given twice."""
    traveller = travel(way)
    traveller.server.script("converse", {"connection": connection_fault})
    assert traveller.call(CONVERSE)["stopReason"] == "end_turn"
    assert len(traveller.waits) == 1


@pytest.mark.row("X.08")
@every_way
def test_a_stream_that_fails_after_its_first_token_is_never_tried_again(travel: Travel, way: Way) -> None:
    """A token that was given cannot be taken back."""
    traveller = travel(way)
    traveller.server.stream("converse_stream", [*EVENTS[:2], ("throttlingException", {"message": "slow down"})])
    brought = traveller.stream(CONVERSE_STREAM)
    assert brought.events == EVENTS[:2]
    assert type(brought.error) is errors.ThrottlingError
    assert len(traveller.server.requests()) == 1


@every_way
def test_expired_credentials_in_a_throttled_series_end_it(travel: Travel, way: Way) -> None:
    """The second attempt meets an expired token; there is no third."""
    traveller = travel(way)
    traveller.server.fail("converse", code="ThrottlingException")
    traveller.server.fail("converse", code="ExpiredTokenException")
    with pytest.raises(errors.CredentialsError) as caught:
        traveller.call(CONVERSE)
    assert caught.value.attempts == 2


@every_way
def test_retry_after_is_waited_for(travel: Travel, way: Way) -> None:
    """It is longer than the wait of our own."""
    traveller = travel(way)
    traveller.server.fail("converse", retry_after_s=7)
    traveller.call(CONVERSE)
    assert traveller.waits == [7.0]


@every_way
def test_a_service_that_asks_for_minutes_is_not_waited_for(travel: Travel, way: Way) -> None:
    """The caller should know now, and how long."""
    traveller = travel(way)
    traveller.server.fail("converse", retry_after_s=600)
    with pytest.raises(errors.ThrottlingError) as caught:
        traveller.call(CONVERSE)
    assert caught.value.retry_after_s == 600
    assert traveller.waits == []


@pytest.mark.row("C.10")
@every_way
@pytest.mark.parametrize("retries", [0, 2])
def test_max_retries_is_how_many_attempts_follow_the_first(travel: Travel, way: Way, retries: int) -> None:
    """Zero is one attempt."""
    traveller = travel(way, max_retries=retries)
    traveller.server.fail("converse", times=None)
    with pytest.raises(errors.ThrottlingError) as caught:
        traveller.call(CONVERSE)
    assert caught.value.attempts == retries + 1 == len(traveller.server.requests())


def test_there_are_five_attempts_when_nobody_says(travel: Travel) -> None:
    """Their waits double from half a second."""
    traveller = travel("loop")
    traveller.server.fail("converse", times=None)
    with pytest.raises(errors.ThrottlingError):
        traveller.call(CONVERSE)
    assert traveller.waits == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("said", "attempts"), [({"max_attempts": 1}, 2), ({"total_max_attempts": 1}, 1), ({"mode": "standard"}, 5)]
)
def test_the_attempts_of_a_given_config_count(travel: Travel, said: dict[str, Any], attempts: int) -> None:
    """botocore counts retries in one key and attempts in the other; none of them is made by boto3 itself."""
    from botocore.config import Config

    traveller = travel("blocking", config=Config(retries=said))
    traveller.server.fail("converse", times=None)
    with pytest.raises(errors.ThrottlingError):
        traveller.call(CONVERSE)
    assert len(traveller.server.requests()) == attempts


def test_waits_stop_growing_at_twenty_seconds() -> None:
    """However many attempts there are."""
    assert [longest_wait_s(attempt) for attempt in (1, 2, 3, 6, 7, 100_000)] == [0.5, 1.0, 2.0, 16.0, 20.0, 20.0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("soon", None), ("inf", None), ("Sat, 01 Jan 2000 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    """What cannot be read is no wait."""
    assert retry_after_s({"retry-after": text}) == seconds
    assert retry_after_s({}) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.RequestInvalidError),
        (403, errors.AccessDeniedError),
        (404, errors.NotFoundError),
        (418, errors.BedrockError),
        (429, errors.ThrottlingError),
        (502, errors.ServiceUnavailableError),
    ],
)
def test_an_error_without_a_known_name_is_judged_by_its_status(status: int, kind: type[errors.BedrockError]) -> None:
    """A gateway on the way knows no names."""
    error = service_error({"Error": {"Code": str(status)}, "ResponseMetadata": {"HTTPStatusCode": status}})
    assert type(error) is kind
    assert error.status == status


@every_way
def test_a_server_that_is_not_there_is_a_connection_error(travel: Travel, way: Way) -> None:
    """Tried again, then told with its address or reason."""
    traveller = travel(way, endpoint_url="http://127.0.0.1:1", max_retries=1)
    with pytest.raises(errors.ConnectionFailedError) as caught:
        traveller.call(CONVERSE)
    assert caught.value.attempts == 2
    assert caught.value.status is None


@pytest.mark.row("X.08")
@every_way
def test_the_run_that_calls_tells_of_the_attempts(travel: Travel, way: Way) -> None:
    """An event for each failed attempt, and counts on the span; nothing for a call without retries."""
    traveller = travel(way)
    traveller.server.fail("converse", times=2)
    transport = traveller.transport()
    step: Any = RunnableLambda(lambda _: transport.call(CONVERSE)["stopReason"])
    if way != "blocking":

        async def asked(_: Any) -> Any:
            return (await transport.acall(CONVERSE))["stopReason"]

        step = RunnableLambda(asked)
    with SpanRecorder() as recorder:
        for _ in range(2):
            assert (step.invoke(1) if way == "blocking" else asyncio.run(step.ainvoke(1))) == "end_turn"
        retried, plain = recorder.spans
    assert retried.attributes[names.RETRY_ATTEMPTS] == 3
    assert retried.attributes[names.RETRY_REASON] == "ThrottlingError"
    assert retried.attributes[names.RETRY_TOTAL_DELAY_S] == 1.5
    events = [dict(event.attributes or {}) for event in retried.span.events if event.name == names.RETRY_EVENT]
    assert [(e[names.RETRY_ATTEMPT], e[names.RETRY_DELAY_S]) for e in events] == [(1, 0.5), (2, 1.0)]
    assert [e[names.EXCEPTION_TYPE] for e in events] == ["ThrottlingError"] * 2
    assert names.RETRY_ATTEMPTS not in plain.attributes


@every_way
def test_a_first_token_that_does_not_come_in_time_is_tried_again(travel: Travel, way: Way) -> None:
    """Whether the head is late or what follows it; afterwards the usual limit counts."""
    traveller = travel(way, first_token_timeout_s=0.5)
    traveller.server.stream("converse_stream", EVENTS, head_s=30)
    traveller.server.stream("converse_stream", [EVENTS[0], ("!idle", None)])
    traveller.server.stream("converse_stream", [*EVENTS[:2], ("!pause", 0.7), *EVENTS[2:]])
    brought = traveller.stream(CONVERSE_STREAM)
    assert (brought.events, brought.error) == (EVENTS, None)
    assert brought.head["ResponseMetadata"]["RetryAttempts"] == 2


@every_way
def test_a_first_token_that_never_comes_in_time_is_told_with_its_limit(travel: Travel, way: Way) -> None:
    """The error says which limit it was."""
    traveller = travel(way, first_token_timeout_s=0.2, max_retries=0)
    traveller.server.stream("converse_stream", [EVENTS[0], ("!idle", None)])
    brought = traveller.stream(CONVERSE_STREAM)
    assert type(brought.error) is errors.ReadTimeoutError
    assert "first_token_timeout_s, 0.2 s" in str(brought.error)


async def test_a_wait_between_attempts_can_be_cancelled(server: BedrockServer) -> None:
    """The next attempt is never made."""
    waiting = asyncio.Event()

    async def asleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    server.fail("converse_stream", times=None)
    task = asyncio.ensure_future(Transport(connection(server), asleep=asleep).aopen(CONVERSE_STREAM, is_token))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(server.requests()) == 1
