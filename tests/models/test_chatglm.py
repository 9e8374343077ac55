"""ChatGLM against a real server process: what is sent, what comes back, what is remembered, and what fails."""

import asyncio
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from spanloom.runtime.caches import InMemoryCache
from spanloom.runtime.messages import AIMessage, HumanMessage
from spanloom.runtime.models.chatglm import ChatGLM
from spanloom.runtime.models.chatglm_wire import (
    ChatGlmDecodeError,
    ChatGlmEmptyError,
    ChatGlmError,
    ChatGlmShapeError,
    ChatGlmStatusError,
    ChatGlmUnreachableError,
)
from spanloom.runtime.prompt_values import StringPromptValue
from spanloom.testing.chatglm_server import ChatGlmServer

from .asking import TOKENS, Hooks, Mode, asked, both, sent, streamed


@both
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.row("G.01")
def test_a_classic_request_is_json_posted_to_the_root(server: ChatGlmServer, slash: str, mode: Mode) -> None:
    assert asked(mode, ChatGLM(endpoint_url=server.url + slash), "hello world") == "You asked about: hello, world."
    (request,) = server.requests()
    assert (request.method, request.path) == ("POST", "/")
    assert request.headers["content-type"] == "application/json"


@both
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_openai_style_address_may_end_with_a_slash(server: ChatGlmServer, slash: str, mode: Mode) -> None:
    assert asked(mode, ChatGLM(endpoint_url=server.chat_url + slash), "hello world") == "You asked about: hello, world."
    assert sent(server)["messages"] == [{"role": "user", "content": "hello world"}]


@both
@pytest.mark.row("G.02")
@pytest.mark.row("G.03")
@pytest.mark.row("G.04")
@pytest.mark.row("G.05")
def test_parameters_are_sent_under_the_protocols_names(server: ChatGlmServer, mode: Mode) -> None:
    assert (ChatGLM().endpoint_url, ChatGLM().with_history) == ("http://127.0.0.1:8000/", False)
    asked(mode, ChatGLM(endpoint_url=server.url), "a")
    history = [["q", "a"]]
    asked(mode, ChatGLM(endpoint_url=server.url, max_token=7, temperature=0.5, top_p=0.2, history=history), "b")
    first, second = (request.json for request in server.requests())
    assert first == {"prompt": "a", "temperature": 0.1, "history": [], "max_length": 20000, "top_p": 0.7}
    assert second == {"prompt": "b", "temperature": 0.5, "history": history, "max_length": 7, "top_p": 0.2}


@both
@pytest.mark.row("G.07")
@pytest.mark.row("X.11")
def test_model_kwargs_lie_over_the_payload_and_call_kwargs_over_them(server: ChatGlmServer, mode: Mode) -> None:
    own, call = {"top_p": 0.3, "seed": 1}, {"seed": 2, "extra": {"a": [1]}}
    model = ChatGLM(endpoint_url=server.url, model_kwargs=own)
    asked(mode, model, "a", **call)
    payload = sent(server)
    assert (payload["top_p"], payload["seed"], payload["extra"]) == (0.3, 2, {"a": [1]})
    assert (own, call, model.model_kwargs) == ({"top_p": 0.3, "seed": 1}, {"seed": 2, "extra": {"a": [1]}}, own)
    assert model.history == []


@both
@pytest.mark.row("G.06")
def test_history_is_the_servers_when_asked_for(server: ChatGlmServer, mode: Mode) -> None:
    forgetful, mindful = (ChatGLM(endpoint_url=server.url, with_history=keep) for keep in (False, True))
    server.script(*[{"json": {"response": "A", "history": [["server", "says"]]}}] * 2)
    assert [asked(mode, model, "a") for model in (forgetful, mindful)] == ["A", "A"]
    assert (forgetful.history, mindful.history) == ([], [["server", "says"]])
    server.reset()
    asked(mode, mindful, "b")
    assert sent(server)["history"] == [["server", "says"]]


@both
def test_a_server_without_history_has_its_turns_kept_here(server: ChatGlmServer, mode: Mode) -> None:
    model = ChatGLM(endpoint_url=server.url, with_history=True)
    server.script({"json": {"response": "A"}})
    asked(mode, model, "a")
    assert model.history == [["a", "A"]]


@both
@pytest.mark.parametrize("chat", [False, True])
def test_history_holds_the_uncut_answer(server: ChatGlmServer, mode: Mode, chat: bool) -> None:
    model = ChatGLM(endpoint_url=server.chat_url if chat else server.url, with_history=True)
    server.script({"tokens": TOKENS}, {"tokens": TOKENS})
    assert asked(mode, model, "a", stop=[" is"]) == "The sky"
    assert "".join(streamed(mode, model, "b", stop=[" is"])) == "The sky"
    assert model.history == [["a", "".join(TOKENS)], ["b", "".join(TOKENS)]]


@both
@pytest.mark.row("X.19")
def test_no_turn_is_lost_in_a_batch(server: ChatGlmServer, mode: Mode) -> None:
    """Each request carries all turns answered before it, and nothing is sent in between."""
    model = ChatGLM(endpoint_url=server.url, with_history=True)
    prompts = [f"p{place}" for place in range(12)]
    answers = model.batch(prompts) if mode == "sync" else asyncio.run(model.abatch(prompts))
    assert answers == [f"You asked about: {prompt}." for prompt in prompts]
    assert sorted(turn[0] for turn in model.history) == sorted(prompts)
    assert [len(request.json["history"]) for request in server.requests()] == list(range(12))


@pytest.mark.row("X.19")
def test_threads_and_loops_share_one_history(server: ChatGlmServer) -> None:
    model = ChatGLM(endpoint_url=server.url, with_history=True)

    def blocking() -> None:
        model.batch(["s1", "s2", "s3"])

    def on_loop() -> None:
        asyncio.run(model.abatch(["a1", "a2", "a3"]))

    threads = [threading.Thread(target=target) for target in (blocking, on_loop, on_loop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(model.history) == 9
    assert [len(request.json["history"]) for request in server.requests()] == list(range(9))


async def test_a_cancelled_wait_for_a_turn_lets_the_others_pass(server: ChatGlmServer) -> None:
    model = ChatGLM(endpoint_url=server.url, with_history=True)
    server.script({"hang_s": 0.3})
    first, second, third = (asyncio.ensure_future(model.ainvoke(text)) for text in ("first", "second", "third"))
    while not server.requests(wait_s=0):  # noqa: ASYNC110 - the server is another process
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert [turn[0] for turn in model.history] == ["first", "third"]


def test_a_call_inside_a_stream_with_history_does_not_wait_for_it(server: ChatGlmServer) -> None:
    model = ChatGLM(endpoint_url=server.chat_url, with_history=True)
    stream = model.stream("outer")
    next(stream)
    model.invoke("inner")
    assert "".join(stream)
    assert [turn[0] for turn in model.history] == ["inner", "outer"]


@pytest.mark.row("G.09")
def test_callback_manager_is_taken_with_a_warning(server: ChatGlmServer) -> None:
    hooks = Hooks()
    with pytest.warns(DeprecationWarning, match="use callbacks"):
        model = ChatGLM(endpoint_url=server.url, callback_manager=[hooks])
    model.invoke("a")
    assert hooks.names() == ["on_llm_start", "on_llm_end"]


@pytest.mark.row("G.10")
def test_a_model_can_be_called_with_a_warning(server: ChatGlmServer) -> None:
    hooks, model = Hooks(), ChatGLM(endpoint_url=server.url)
    with pytest.warns(DeprecationWarning, match="use invoke"):
        answer = model("hello world", [","], [hooks], tags=["t"], metadata={"m": 1}, seed=4)
    assert answer == "You asked about: hello"
    assert sent(server)["seed"] == 4
    start = hooks.calls[0][2]
    assert (start["tags"], start["metadata"]) == (["t"], {"m": 1})
    with pytest.raises(ValueError, match="takes one text"):
        model(["hello"])  # type: ignore[arg-type]


@pytest.mark.row("G.11")
async def test_every_way_to_ask_takes_every_kind_of_input(server: ChatGlmServer) -> None:
    model, answer = ChatGLM(endpoint_url=server.url), "You asked about: hello, world."
    messages = [HumanMessage("hello world")]
    for value in ("hello world", StringPromptValue(text="hello world"), messages, [("human", "hello world")]):
        stop = ["nowhere"]
        got = [model.invoke(value, stop=stop), await model.ainvoke(value, stop=stop)]
        got += [*model.stream(value, stop=stop), *[chunk async for chunk in model.astream(value, stop=stop)]]
        got += [*model.batch([value], stop=stop), *await model.abatch([value], stop=stop)]
        assert set(map(type, got)) == {str}
        assert len(got) == 6
    assert model.invoke("hello world") == answer
    assert sent_prompts(server)[-8] == "Human: hello world"


def sent_prompts(server: ChatGlmServer) -> list[str]:
    return [request.json["prompt"] for request in server.requests()]


@both
@pytest.mark.parametrize(
    ("stop", "answer"),
    [
        ([" is"], "The sky"),
        (["."], "The sky is blue"),
        (["(", "e"], "Th"),
        (["nowhere"], "".join(TOKENS)),
        ([""], "".join(TOKENS)),
    ],
)
@pytest.mark.row("G.12")
@pytest.mark.row("X.13")
def test_stop_strings_are_literal_and_hold_across_chunks(
    server: ChatGlmServer, mode: Mode, stop: list[str], answer: str
) -> None:
    for url in (server.url, server.chat_url):
        server.script({"tokens": TOKENS}, {"tokens": TOKENS}, {"tokens": list("".join(TOKENS))})
        model = ChatGLM(endpoint_url=url)
        assert asked(mode, model, "a", stop=stop) == answer
        assert "".join(streamed(mode, model, "a", stop=stop)) == answer
        assert "".join(streamed(mode, model, "a", stop=stop)) == answer


FAILURES: list[tuple[dict[str, Any], type[ChatGlmError], str]] = [
    ({"status": 503}, ChatGlmStatusError, "HTTP status 503"),
    ({"body": "<html>oops"}, ChatGlmDecodeError, "not JSON.*<html>oops"),
    ({"json": [1]}, ChatGlmShapeError, "JSON list, not an object"),
    ({"json": {"answer": 1}}, ChatGlmEmptyError, "no (text|message)"),
]


@both
@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.row("G.13")
def test_five_failures_have_five_messages(server: ChatGlmServer, mode: Mode, chat: bool) -> None:
    seen = set()
    for order, kind, words in FAILURES:
        for ask in (asked, streamed):
            hooks = Hooks()
            model = ChatGLM(endpoint_url=server.chat_url if chat else server.url, callbacks=[hooks])
            server.script(order)
            with pytest.raises(ValueError, match=words) as caught:
                ask(mode, model, "a")
            assert type(caught.value) is kind
            assert hooks.names() == ["on_llm_start", "on_llm_error"]
            seen.add(re.sub(r"[^A-Za-z ]", "", str(caught.value))[:30])
    assert len(seen) == 4
    gone = ChatGLM(endpoint_url="http://127.0.0.1:1/v1/chat/completions" if chat else "http://127.0.0.1:1")
    for ask in (asked, streamed):
        with pytest.raises(ChatGlmUnreachableError, match=r"at http://127\.0\.0\.1:1.*running.*endpoint_url"):
            ask(mode, gone, "a")


@both
@pytest.mark.parametrize("url", ["nonsense", "http://[::1", "ftp://x"])
def test_an_address_that_is_none_is_told_as_unreachable(mode: Mode, url: str) -> None:
    with pytest.raises((ChatGlmUnreachableError, ValueError), match=re.escape(url) + "|IPv6"):
        asked(mode, ChatGLM(endpoint_url=url), "a")


@both
@pytest.mark.parametrize("chat", [False, True])
def test_a_silent_server_is_given_up(server: ChatGlmServer, mode: Mode, chat: bool) -> None:
    model = ChatGLM(endpoint_url=server.chat_url if chat else server.url, timeout_s=0.05)
    for ask in (asked, streamed):
        server.script({"hang_s": 30})
        with pytest.raises(ChatGlmUnreachableError, match="No answer from the ChatGLM server"):
            ask(mode, model, "a")


@pytest.mark.row("G.14")
def test_parameters_are_saved_as_yaml_and_json_only(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    model = ChatGLM(endpoint_url="http://h:1/", model_kwargs={"a": 1})
    expected = {"_type": "chat_glm", "endpoint_url": "http://h:1/", "model_kwargs": {"a": 1}}
    for name, load in (("deep/a.json", json.loads), ("b.yaml", yaml.safe_load), ("c.yml", yaml.safe_load)):
        model.save(tmp_path / name)
        assert load((tmp_path / name).read_text()) == expected
    with pytest.raises(ValueError, match=r"must end in \.json, \.yaml or \.yml"):
        model.save(str(tmp_path / "d.txt"))


@pytest.mark.row("G.08")
def test_the_shared_parameters_and_methods_work(server: ChatGlmServer) -> None:
    hooks = Hooks()
    model = ChatGLM(
        endpoint_url=server.url,
        cache=False,
        callbacks=[hooks],
        custom_get_token_ids=lambda text: [len(word) for word in text.split()],
        metadata={"m": 1},
        tags=["t"],
        verbose=False,
    )
    model.invoke("hi")
    start = hooks.calls[0][2]
    assert (start["tags"][-1], start["metadata"]["m"]) == ("t", 1)
    assert (model.get_token_ids("one three"), model.get_num_tokens("one three")) == ([3, 5], 2)
    assert model.get_num_tokens_from_messages([HumanMessage("one three"), AIMessage("x")]) == 5
    with pytest.raises(NotImplementedError, match="ChatGLM"):
        model.with_structured_output(dict)


@both
@pytest.mark.row("G.15")
def test_a_failed_call_is_tried_again_when_asked_for(server: ChatGlmServer, mode: Mode) -> None:
    pytest.importorskip("spanloom.runtime.runnables.retry")
    model: Any = ChatGLM(endpoint_url=server.url).with_retry(stop_after_attempt=2, wait_exponential_jitter=False)
    server.script({"status": 500})
    assert asked(mode, model, "hello world") == "You asked about: hello, world."


class Stub(BaseHTTPRequestHandler):
    """The smallest server that ChatGLM can talk to."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"response": asked["prompt"].upper(), "history": [], "status": 200}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.row("G.16")
def test_the_documented_example_works_with_a_stub_of_twenty_lines() -> None:
    with HTTPServer(("127.0.0.1", 0), Stub) as stub:
        thread = threading.Thread(target=stub.handle_request)
        thread.start()
        model = ChatGLM(endpoint_url=f"http://127.0.0.1:{stub.server_port}")
        assert model.invoke("what is a parrot?") == "WHAT IS A PARROT?"
        thread.join()


@both
def test_one_call_may_bring_a_history_of_its_own(server: ChatGlmServer, mode: Mode) -> None:
    """The history of the call is sent and the instance keeps its own, unless it takes the server's."""
    model = ChatGLM(endpoint_url=server.url, history=[["own", "turn"]])
    asked(mode, model, "a", history=[["its", "turn"]])
    assert sent(server)["history"] == [["its", "turn"]]
    assert model.history == [["own", "turn"]]


@pytest.mark.row("B1.05")
@both
def test_a_cached_answer_asks_no_server_and_adds_no_turn(server: ChatGlmServer, mode: Mode) -> None:
    """The history decides an answer, so another history is another question."""
    model = ChatGLM(endpoint_url=server.url, cache=InMemoryCache())
    assert [asked(mode, model, "a") for _ in range(2)] == ["You said: a"] * 2
    assert len(server.requests()) == 1
    model.history.append(["q", "a"])
    asked(mode, model, "a")
    assert len(server.requests()) == 2
    assert model.history == [["q", "a"]]


async def test_the_methods_below_invoke_answer_alike(server: ChatGlmServer) -> None:
    for url in (server.url, server.chat_url):
        model = ChatGLM(endpoint_url=url)
        answers = [model._call("hello world", [","]), await model._acall("hello world", [","])]
        assert answers == ["You asked about: hello"] * 2
