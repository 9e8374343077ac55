"""ChatGLM against servers that stream in their own way, redirect, break off or say too much; and copied models."""

import asyncio
import copy
import json
import multiprocessing
import pickle
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest

from spanloom.runtime.models.chatglm import ChatGLM
from spanloom.runtime.models.chatglm_wire import ChatGlmError, ChatGlmStatusError, ChatGlmUnreachableError
from spanloom.testing.chatglm_server import ChatGlmServer

from .asking import Mode, asked, both, streamed

SSE = "text/event-stream; charset=utf-8"


class Sayer(ThreadingHTTPServer):
    """Answers every POST with the next of its answers: status, headers, body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SayerHandler)
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.bodies: list[Any] = []

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def says(self, body: str | bytes, kind: str | None = SSE, status: int = 200, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.answers.append((status, {**({"Content-Type": kind} if kind else {}), **headers}, data))


class SayerHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sayer = cast("Sayer", self.server)
        sayer.paths.append(self.path)
        sayer.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status, headers, body = sayer.answers.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def sayer() -> Iterator[Sayer]:
    """A server that says what a test tells it to."""
    with Sayer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def events(*values: object, end: str = "\n") -> str:
    return "".join(f"data: {json.dumps(value)}{end}{end}" for value in values)


SKY = [["why", "The sky"]]
REPEATED = [
    {"delta": "The", "response": "The", "finished": False},
    {"delta": " sky", "response": "The sky", "finished": False},
    {"delta": "[EOS]", "response": "The sky", "history": SKY, "finished": True},
]
WITHOUT_END = [{"response": "The", "status": 200}, {"response": "The sky", "history": SKY, "status": 200}]
PIECES = [{"delta": "The", "finished": False}, {"delta": " sky", "finished": False}, {"finished": True}]


@both
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("said", [REPEATED, WITHOUT_END, PIECES])
@pytest.mark.row("G.11")
def test_streams_of_community_servers_are_read(sayer: Sayer, mode: Mode, said: list[Any], end: str) -> None:
    """What is new in each event is a chunk; asked in one piece, the same answer is put together."""
    for path in ("/stream", "/v1/chat/completions"):
        sayer.says(": ping\r\n\r\n" + events(*said, end=end))
        assert "".join(streamed(mode, ChatGLM(endpoint_url=sayer.url(path)), "why")) == "The sky"
    for path in ("", "/stream"):
        sayer.says(events(*said, end=end))
        assert asked(mode, ChatGLM(endpoint_url=sayer.url(path)), "why") == "The sky"


@both
def test_an_answer_so_far_that_starts_anew_is_a_piece(sayer: Sayer, mode: Mode) -> None:
    """A server that sends pieces under the name of the whole loses none of them."""
    sayer.says(events({"response": "The", "finished": False}, {"response": " sky", "finished": True}))
    assert streamed(mode, ChatGLM(endpoint_url=sayer.url("/stream")), "why") == ["The", " sky"]


@both
@pytest.mark.row("G.06")
def test_the_history_of_a_streaming_server_is_kept(sayer: Sayer, mode: Mode) -> None:
    """It comes with the last event; without one the turn is kept here."""
    for said, history in ((REPEATED, SKY), (PIECES, [["why?", "The sky"]])):
        for ask in (asked, streamed):
            sayer.says(events(*said))
            model = ChatGLM(endpoint_url=sayer.url("/stream"), with_history=True)
            ask(mode, model, "why?")
            assert model.history == history


@both
def test_a_path_of_its_own_may_answer_in_one_piece(sayer: Sayer, mode: Mode) -> None:
    """Its content type tells that it does not stream; there is one chunk then."""
    sayer.says('{"response": "The sky"}', "application/json")
    assert streamed(mode, ChatGLM(endpoint_url=sayer.url("/api/glm")), "why") == ["The sky"]
    sayer.says('{"response": ""}', None)
    assert streamed(mode, ChatGLM(endpoint_url=sayer.url("/api/glm")), "why") == [""]


@both
@pytest.mark.row("G.13")
@pytest.mark.parametrize("said", [events(*REPEATED[:2]), events(*PIECES[:1]), "data: {", ""])
def test_a_stream_that_ends_before_its_end_is_told(sayer: Sayer, mode: Mode, said: str) -> None:
    """Neither stream nor whole answer passes half a text for the answer, and no turn is kept."""
    for ask in (asked, streamed):
        sayer.says(said)
        model = ChatGLM(endpoint_url=sayer.url("/stream"), with_history=True)
        with pytest.raises(ChatGlmUnreachableError, match="incomplete"):
            ask(mode, model, "why")
        assert model.history == []


@both
def test_the_closing_event_needs_no_blank_line(sayer: Sayer, mode: Mode) -> None:
    """Some servers end right after it."""
    sayer.says(events({"choices": [{"delta": {"content": "The sky"}}]}) + "data: [DONE]\n")
    assert "".join(streamed(mode, ChatGLM(endpoint_url=sayer.url("/v1/chat/completions")), "why")) == "The sky"


@both
@pytest.mark.parametrize("error", [{"error": {"message": "no memory"}}, {"object": "error", "message": "no memory"}])
def test_an_error_in_a_stream_is_raised(sayer: Sayer, mode: Mode, error: dict[str, Any]) -> None:
    """In either of the shapes that servers use, after the chunks before it."""
    sayer.says(events({"choices": [{"delta": {"content": "The"}}]}, error))
    with pytest.raises(ChatGlmError, match="no memory") as caught:
        streamed(mode, ChatGLM(endpoint_url=sayer.url("/v1/chat/completions")), "why")
    assert caught.value.came == ["The"]  # type: ignore[attr-defined]


@both
@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.row("G.01")
def test_a_redirect_is_followed_with_the_question(sayer: Sayer, mode: Mode, status: int) -> None:
    """Servers behind a prefix redirect to the address with or without its slash."""
    for ask in (asked, streamed):
        sayer.paths.clear()
        sayer.says("", status=status, Location="/glm/")
        sayer.says('{"response": "The sky"}', "application/json")
        assert "".join(ask(mode, ChatGLM(endpoint_url=sayer.url("/glm")), "why")) == "The sky"
        assert sayer.paths == ["/glm", "/glm/"]
        assert sayer.bodies[-1]["prompt"] == "why"


@both
@pytest.mark.row("G.13")
def test_redirects_without_end_are_told(sayer: Sayer, mode: Mode) -> None:
    """They are no answer."""
    for _ in range(30):
        sayer.says("", status=307, Location="/")
    with pytest.raises(ChatGlmUnreachableError, match="redirect"):
        asked(mode, ChatGLM(endpoint_url=sayer.url()), "why")


@both
def test_an_answer_shorter_than_announced_is_told(sayer: Sayer, mode: Mode) -> None:
    """Half an answer is no answer."""
    for ask in (asked, streamed):
        for path in ("", "/v1/chat/completions"):
            sayer.says('{"response": "The', "application/json", Content_Length="1000")
            with pytest.raises(ChatGlmUnreachableError, match="No answer from the ChatGLM server"):
                ask(mode, ChatGLM(endpoint_url=sayer.url(path)), "why")


@both
def test_a_huge_answer_is_read_whole(sayer: Sayer, mode: Mode) -> None:
    """Twenty million characters in one piece, and a huge error page quoted in part."""
    sayer.says(json.dumps({"response": "x" * 20_000_000}), "application/json")
    assert len(asked(mode, ChatGLM(endpoint_url=sayer.url()), "why")) == 20_000_000
    sayer.says("y" * 1_000_000, "text/html", status=502)
    with pytest.raises(ChatGlmStatusError) as caught:
        asked(mode, ChatGLM(endpoint_url=sayer.url()), "why")
    assert len(str(caught.value)) < 3000


@pytest.mark.row("X.19")
def test_a_turn_streamed_meanwhile_is_not_lost_to_the_servers_history(sayer: Sayer) -> None:
    """The server's history knows only the turns it was sent, so a newer one here is added to, not replaced."""
    model = ChatGLM(endpoint_url=sayer.url("/stream"), with_history=True)
    for text in ("outer", "inner"):
        sayer.says(events({"response": text, "finished": False}, {"history": [["?", text]], "finished": True}))
    outer = model.stream("outer?")
    next(outer)
    assert list(model.stream("inner?")) == ["inner"]
    assert list(outer) == []
    assert model.history == [["?", "inner"], ["outer?", "outer"]]


@pytest.mark.row("X.19")
async def test_a_call_that_is_cancelled_in_its_turn_lets_the_others_pass(server: ChatGlmServer) -> None:
    """It leaves no turn behind, and tells the server that it went."""
    model = ChatGLM(endpoint_url=server.url, with_history=True)
    server.script({"hang_s": 30})
    first, second = (asyncio.ensure_future(model.ainvoke(text)) for text in ("first", "second"))
    while not server.requests(wait_s=0):  # noqa: ASYNC110 - the server is another process
        await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert [turn[0] for turn in model.history] == ["second"]
    assert [request.outcome for request in server.requests()] == ["client left", "answered"]


@pytest.mark.row("G.15")
def test_a_model_can_be_copied_and_pickled(server: ChatGlmServer) -> None:
    """A copy has a history of its own and works at once, also while the original waits for an answer."""
    model = ChatGLM(endpoint_url=server.url, with_history=True, history=[["q", "a"]])
    held = model._turns.ask()
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for other in copies:
        other.invoke("hello")
        assert [turn[0] for turn in other.history] == ["q", "hello"]
    model._turns.leave(held)
    assert model.history == [["q", "a"]]


def _ask_and_tell(model: ChatGLM, told: Any) -> None:
    told.send(model.invoke("hello world"))


@pytest.mark.row("X.19")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_its_parents_calls(server: ChatGlmServer) -> None:
    """The parent's turn is the parent's; the child asks at once."""
    model = ChatGLM(endpoint_url=server.url, with_history=True)
    held = model._turns.ask()
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_ask_and_tell, args=(model, there))
    child.start()
    try:
        assert here.poll(20)
        assert here.recv() == "You asked about: hello, world."
    finally:
        child.terminate()
        child.join()
        model._turns.leave(held)
