"""The ChatGLM test server: its two protocols, its scripts, and that it never outlives its parent."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from spanloom.testing import _answers as answers
from spanloom.testing.chatglm_server import ChatGlmServer

RAG_PROMPT = """Answer the question based only on the following context:
[geo.md] Paris is the capital of France. Berlin is the capital of Germany.
[food.md] Cheese is loved in France.

Question: What is the capital of France?
Answer:"""


@pytest.fixture(scope="module")
def server() -> Iterator[ChatGlmServer]:
    with ChatGlmServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(server: ChatGlmServer) -> None:
    server.reset()


def chat(content: str = "what color is the sky?", **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}], **more}


def events(body: str) -> list[str]:
    return [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return os.path.isdir("/proc") is False


def is_gone_soon(pid: int) -> bool:
    end = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_alive(pid)


@pytest.mark.parametrize("slash", ["", "/"])
def test_classic_answer_carries_response_history_status_and_time(server: ChatGlmServer, slash: str) -> None:
    asked = {"prompt": "what color is the sky?", "history": [["hi", "hello"]]}
    answer = httpx.post(server.url + slash, json=asked).json()
    assert set(answer) == {"response", "history", "status", "time"}
    assert answer["status"] == 200
    assert answer["history"] == [["hi", "hello"], ["what color is the sky?", answer["response"]]]
    assert answer["response"] == "You asked about: color, sky."


def test_falsy_settings_are_replaced_by_the_servers_defaults(server: ChatGlmServer) -> None:
    httpx.post(server.url, json={"prompt": "x", "temperature": 0, "top_p": 0.3, "max_length": None, "history": None})
    assert server.requests()[0].settings == {"max_length": 2048, "top_p": 0.3, "temperature": 0.95}


def test_answers_quote_the_context_sentence_nearest_to_the_question_with_its_source(server: ChatGlmServer) -> None:
    answer = httpx.post(server.url, json={"prompt": RAG_PROMPT}).json()
    assert answer["response"] == "Paris is the capital of France. [geo.md]"


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("The sky is blue.\nGrass is green.\n\nwhat color is grass?", "Grass is green."),
        (
            "[a] Bears like honey.\n\nQuestion: who is the mayor of Rome?",
            "The context says nothing about: mayor, rome.",
        ),
        (
            "Context: [Document(metadata={'source': 'w.txt'}, page_content='Harrison worked at Kensho. Bears eat.')]\n"
            "Question: where did harrison work?",
            "Harrison worked at Kensho. [w.txt]",
        ),
        ("[a] 巴黎是法国的首都。柏林在德国。\n问题：法国的首都是哪里？", "巴黎是法国的首都。 [a]"),
        ("Human: hello", "You asked about: hello."),
        ("?", "You said: ?"),
        ("", "You said: "),
    ],
)
def test_the_same_prompt_always_gets_the_same_answer(prompt: str, expected: str) -> None:
    assert [answers.answer_prompt(prompt) for _ in range(2)] == [expected, expected]


@pytest.mark.parametrize("text", ["", " ", "a  b\n", "你好 world。 ok", "x\n\ny "])
def test_tokens_join_to_the_text_they_were_cut_from(text: str) -> None:
    assert "".join(answers.tokens_of(text)) == text


def test_system_messages_are_context_for_the_last_question(server: ChatGlmServer) -> None:
    system = {"role": "system", "content": "[a] Paris is a city. The sky is blue."}
    asked = {"messages": [system, {"role": "user", "content": [{"type": "text", "text": "what color is the sky?"}]}]}
    answer = httpx.post(server.chat_url, json=asked).json()
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "The sky is blue. [a]"}


def test_whole_chat_answer_has_the_openai_shape(server: ChatGlmServer) -> None:
    answer = httpx.post(server.chat_url, json=chat(model="m")).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "m"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}


def test_stream_sends_the_role_then_tokens_then_the_finish_reason_then_done(server: ChatGlmServer) -> None:
    answer = httpx.post(server.chat_url, json=chat(stream=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    *pieces, done = events(answer.text)
    choices = [json.loads(piece)["choices"][0] for piece in pieces]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert [c["delta"]["content"] for c in choices[1:-1]] == ["You", " asked", " about:", " color,", " sky."]
    assert (choices[-1]["delta"], choices[-1]["finish_reason"]) == ({}, "stop")
    assert done == "[DONE]"
    assert server.requests()[0].tokens_sent == 5


def test_stream_sends_usage_when_asked(server: ChatGlmServer) -> None:
    answer = httpx.post(server.chat_url, json=chat(stream=True, stream_options={"include_usage": True}))
    last = json.loads(events(answer.text)[-2])
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 5


def test_answer_over_max_tokens_is_cut_with_finish_reason_length(server: ChatGlmServer) -> None:
    choice = httpx.post(server.chat_url, json=chat(max_tokens=2)).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You asked", "length")


def test_line_ends_and_comments_can_be_those_of_sse_starlette() -> None:
    with ChatGlmServer(crlf=True, ping=True, usage=False) as server:
        body = httpx.post(server.chat_url, json=chat(stream=True)).content
        assert "usage" not in httpx.post(server.chat_url, json=chat()).json()
    assert body.count(b"\r\n") == body.count(b"\n")
    assert body.startswith(b": ping\r\n\r\ndata: {")
    assert body.endswith(b"data: [DONE]\r\n\r\n")


def test_a_conversation_that_ends_with_the_assistant_is_refused(server: ChatGlmServer) -> None:
    asked = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    assert httpx.post(server.chat_url, json=asked).status_code == 400


@pytest.mark.parametrize("content", [b"not json", b"[1]", b"{}", b'{"messages": []}', b'{"messages": [1]}'])
def test_malformed_requests_are_refused_like_by_the_real_servers(server: ChatGlmServer, content: bytes) -> None:
    assert httpx.post(server.chat_url, content=content).status_code == 400
    assert httpx.post(server.url, content=content).status_code == 500


def test_what_no_client_library_sends_is_refused(server: ChatGlmServer) -> None:
    """A target that is no address, and a body that is nested too deeply to be read."""
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET http://[ HTTP/1.1\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")
    assert httpx.post(server.url, content=b"[" * 100_000).status_code == 500


def test_models_health_and_unknown_paths(server: ChatGlmServer) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/health").status_code == 200
        assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["chatglm3-6b"]
        assert client.get("/nothing").status_code == 404
        assert client.get("/v1/chat/completions").status_code == 405


def test_each_scripted_behaviour_serves_one_request(server: ChatGlmServer) -> None:
    server.script({"status": 500}, {"body": "not json"}, {"json": [1]}, {"json": {"history": []}}, {"json": None})
    got = [httpx.post(server.url, json={"prompt": "x"}) for _ in range(6)]
    assert [answer.status_code for answer in got] == [500, 200, 200, 200, 200, 200]
    assert [answer.text for answer in got[1:5]] == ["not json", "[1]", '{"history": []}', "null"]
    assert got[5].json()["status"] == 200


def test_scripted_tokens_are_the_answer_in_both_protocols(server: ChatGlmServer) -> None:
    server.script({"tokens": ["a", " b"]}, {"tokens": ["a", " b"]})
    assert httpx.post(server.url, json={"prompt": "x"}).json()["response"] == "a b"
    assert httpx.post(server.chat_url, json=chat()).json()["choices"][0]["message"]["content"] == "a b"


def test_a_header_scripts_its_own_request_only(server: ChatGlmServer) -> None:
    server.script({"tokens": ["scripted"]})
    assert httpx.post(server.url, json={"prompt": "x"}, headers={"X-Script": '{"status": 503}'}).status_code == 503
    assert httpx.post(server.url, json={"prompt": "x"}, headers={"X-Script": "{"}).status_code == 400
    assert httpx.post(server.url, json={"prompt": "x"}).json()["response"] == "scripted"


@pytest.mark.parametrize(
    "order", [{"staus": 500}, {"hang_s": -1}, {"tokens": "abc"}, {"body": {}}, {"status": "500"}, {"delay_ms": "soon"}]
)
def test_an_invalid_script_is_refused_whole(server: ChatGlmServer, order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(order))):
        server.script({"status": 500}, order)
    assert httpx.post(server.url, json={"prompt": "x"}).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_can_be_dropped_in_mid_answer(server: ChatGlmServer, stream: bool) -> None:
    server.script({"close": True, "tokens": ["a", "b", "c"], "after_tokens": 2})
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(server.chat_url, json=chat(stream=stream))
    seen = server.requests()[0]
    assert (seen.outcome, seen.tokens_sent) == ("dropped", 2 if stream else 0)


def test_a_hanging_answer_notices_that_its_client_gave_up(server: ChatGlmServer) -> None:
    server.script({"hang_s": 30})
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(server.url, json={"prompt": "x"}, timeout=0.1)
    assert server.requests()[0].outcome == "client left"


def test_a_client_that_leaves_a_stream_is_reported_with_the_tokens_it_was_sent(server: ChatGlmServer) -> None:
    server.script({"tokens": ["t"] * 500, "delay_ms": 5})
    with httpx.stream("POST", server.chat_url, json=chat(stream=True)) as answer:
        lines = (line for line in answer.iter_lines() if '"content": "t"' in line)
        for _ in range(3):
            next(lines)
    seen = server.requests()[0]
    assert seen.outcome == "client left"
    assert 3 <= seen.tokens_sent < 250


def test_tokens_leave_one_by_one_after_their_delay(server: ChatGlmServer) -> None:
    server.script({"tokens": ["t"] * 10, "delay_ms": 20})
    with httpx.stream("POST", server.chat_url, json=chat(stream=True)) as answer:
        times = [time.monotonic() for line in answer.iter_lines() if '"content": "t"' in line]
    assert len(times) == 10
    assert times[-1] - times[0] > 0.15


def test_one_connection_serves_many_requests(server: ChatGlmServer) -> None:
    with httpx.Client(base_url=server.url) as client:
        streams = [{}, {"stream": True}, {}]
        assert [client.post("/v1/chat/completions", json=chat(**more)).status_code for more in streams] == [200] * 3


def test_broken_http_gets_an_error_and_not_a_crash(server: ChatGlmServer) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"{}"

    assert httpx.post(server.url, content=pieces()).status_code == 411
    assert httpx.get(server.url + "/health").status_code == 200


def test_close_leaves_no_process_and_may_be_repeated() -> None:
    server = ChatGlmServer()
    assert is_alive(server.pid)
    server.close()
    server.close()
    assert not is_alive(server.pid)


def test_close_does_not_wait_for_an_answer_that_hangs() -> None:
    with ChatGlmServer() as server:
        server.script({"hang_s": 30})
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(server.url, json={"prompt": "x"}, timeout=0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 2


def test_a_server_that_its_program_owns_survives_the_interrupt_of_a_terminal() -> None:
    with ChatGlmServer() as server:
        os.kill(server.pid, signal.SIGINT)
        assert httpx.get(server.url + "/health").status_code == 200


def test_a_server_that_is_forgotten_is_closed() -> None:
    server = ChatGlmServer()
    pid = server.pid
    del server
    gc.collect()
    assert is_gone_soon(pid)


def test_a_server_never_outlives_a_killed_parent() -> None:
    program = (
        "import time; from spanloom.testing.chatglm_server import ChatGlmServer; "
        "server = ChatGlmServer(); print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(signal.SIGKILL)
    assert is_gone_soon(pid)


def test_a_taken_port_is_told(server: ChatGlmServer, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        ChatGlmServer(port=int(server.url.rpartition(":")[2]))
    assert "address already in use" in capfd.readouterr().err


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_module_runs_by_hand_and_tells_its_address_first(sent: signal.Signals) -> None:
    command = [sys.executable, "-m", "spanloom.testing.chatglm_server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert httpx.get(url + "/health").status_code == 200
            process.send_signal(sent)
            assert process.wait(10) == 0
        finally:
            process.kill()
