"""`import spanloom`: its names, and replay from wherever spans are."""

import importlib
import json
import subprocess
import sys

import pytest

import spanloom as package
from spanloom.exporters import AmbiguousIdError, SpanFormatError, SqliteStore, StoreError, to_otlp_json
from spanloom.replaying import replay
from spanloom.runtime.documents import Document
from spanloom.runtime.messages import AIMessage, HumanMessage
from spanloom.tracing import CallbackManager

LANDED = {
    name: room
    for room, names in package._ROOMS.items()
    for name in names
    if hasattr(importlib.import_module(f"spanloom.{room}"), "__all__")
}


@pytest.mark.parametrize("name", sorted(LANDED))
def test_a_name_of_the_front_door_is_that_of_its_room(name):
    assert getattr(package, name) is getattr(importlib.import_module(f"spanloom.{LANDED[name]}"), name)


def test_every_name_is_listed_once_and_has_a_room():
    assert sorted(package._ROOM_OF) == sorted(set(package.__all__) - {"__version__"})
    assert set(package.__all__) <= set(dir(package))
    assert package.__version__
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018


def test_the_import_loads_nothing_and_a_name_loads_its_room_alone():
    code = (
        "import sys, spanloom\n"
        "assert not [m for m in sys.modules if m.startswith(('spanloom.', 'opentelemetry', 'pydantic', 'click'))]\n"
        "from spanloom import RunnableLambda\n"
        "unwanted = ('spanloom.exporters', 'opentelemetry.sdk', 'httpx', 'boto')\n"
        "wrong = [m for m in sys.modules if m.startswith(unwanted)]\n"
        "assert not wrong, wrong\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_the_test_kit_offers_its_names():
    testing = importlib.import_module("spanloom.testing")
    assert testing.SpanRecorder is importlib.import_module("spanloom.testing.recorder").SpanRecorder
    assert {"ChatGlmServer", "RecordedSpan", "SpanRecorder"} <= set(dir(testing))
    with pytest.raises(AttributeError, match="nothing"):
        testing.nothing  # noqa: B018


def test_replay_reads_spans_a_store_and_a_file(recorded, tmp_path):
    trace_id = recorded()
    with SqliteStore() as store:
        spans, path = store.trace(trace_id), store.path
    expected = list(CallbackManager.records(spans))
    other = recorded("bad")
    file = tmp_path / "spans.otlp.jsonl"
    file.write_text(json.dumps(to_otlp_json(spans)) + "\n")
    assert list(replay(spans)) == expected
    assert list(replay(path, trace_id=trace_id)) == expected
    assert list(replay(str(path), trace_id=spans[0].run_id)) == expected
    assert list(replay(file)) == expected
    assert list(replay(file, trace_id=trace_id[:10])) == expected
    assert {record["name"] for record in replay(path)} >= {"greet", "broken"}
    only = list(replay(path, trace_id=other, include_names=["broken"]))
    assert {record["name"] for record in only} == {"broken"}


def test_replay_builds_objects_where_it_is_asked(recorded):
    trace_id = recorded()
    with SqliteStore() as store:
        path = store.path
    ends = [r for r in replay(path, trace_id=trace_id, objects=True) if r["event"] == "on_chain_end"]
    assert ends[0]["data"] == {"output": [HumanMessage("Greet Ann")], "input": "Ann"}
    assert ends[-1]["data"]["output"] == AIMessage("Hello Ann.")
    documents = recorded("found")
    last = list(replay(path, trace_id=documents, objects=True))[-1]
    assert last["data"]["output"] == [Document("a text")]


def test_what_was_left_out_or_does_not_fit_its_class_stays_json(recorded):
    trace_id = recorded("chain", "--capture", "structure", "--no-stream")
    with SqliteStore() as store:
        (*_, last) = replay(store.trace(trace_id), objects=True)
    assert last["data"]["output"] == {"$type": "marker", "reason": "not_captured", "type": "AIMessage"}
    replaying = importlib.import_module("spanloom.replaying")
    for value in ({"$type": "Document", "page_content": 3}, {"$type": "bytes"}, {"$type": "os.system", "a": 1}):
        assert replaying._rebuilt({"x": [value]}) == {"x": [value]}


def test_replay_says_what_is_wrong_with_its_source(recorded, tmp_path):
    trace_id = recorded()
    with SqliteStore() as store:
        path = store.path
    with pytest.raises(LookupError, match="has no trace"):
        replay(path, trace_id="f" * 32)
    with pytest.raises(ValueError, match="give a path"):
        replay([], trace_id=trace_id)
    with pytest.raises(StoreError, match="0-9, a-f"):
        replay(path, trace_id="xyz")
    with pytest.raises(StoreError, match="There is no span store"):
        replay(tmp_path / "nowhere.db")
    with pytest.raises(SpanFormatError, match="cannot be read"):
        replay(tmp_path / "nowhere.otlp.jsonl")
    recorded()
    with pytest.raises(AmbiguousIdError):
        replay(path, trace_id=trace_id[:1])
