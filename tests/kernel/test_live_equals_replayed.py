"""The strongest promise: what a live stream gave is what replay gives, whatever the chain and the filters."""

import asyncio
import itertools
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloom.runtime.runnables import (
    Runnable,
    RunnableBranch,
    RunnableEach,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import CallbackManager, adispatch_custom_event, canonical

LEVELS = ["structure", "content", "chunks"]
LISTS = ["include_names", "include_types", "include_tags", "exclude_names", "exclude_types", "exclude_tags"]


def _shout(text: Any) -> str:
    return str(text).upper()


async def _later(text: Any) -> str:
    await asyncio.sleep(0)
    return f"{text}."


async def _tell(text: Any) -> Any:
    await adispatch_custom_event("progress", {"seen": str(text)[:20]})
    return text


def _fail(text: Any) -> Any:
    raise ValueError(f"cannot take {str(text)[:10]}")


def _letters(chunks: Any) -> Any:
    for chunk in chunks:
        yield from (str(chunk)[:6] or "-")


async def _pairs(chunks: Any) -> Any:
    async for chunk in chunks:
        yield str(chunk)
        yield "+"


async def _first_only(chunks: Any) -> Any:
    async for chunk in chunks:
        yield chunk
        return


def _long(text: Any) -> dict[str, Any]:
    return {"text": str(text)[:8] * 30, "odd": {1: (2, 3)}, "nan": float("nan"), "raw": b"\x00\xff", "set": {"a"}}


class _Alternating:
    """Fails at every other call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: Any) -> Any:
        self.calls += 1
        if self.calls % 2:
            raise ValueError("the first of two")
        return text


LEAVES = [
    lambda: RunnableLambda(_shout),
    lambda: RunnableLambda(_later),
    lambda: RunnableLambda(_tell),
    lambda: RunnableLambda(_long),
    lambda: RunnableGenerator(_letters),
    lambda: RunnableGenerator(_pairs),
    lambda: RunnableGenerator(_first_only),
    lambda: RunnableLambda(_fail),
    lambda: RunnablePassthrough(),
]


def leaf() -> st.SearchStrategy[Runnable[Any, Any]]:
    """One step, failing ones seldom."""
    return st.integers(0, 30).map(lambda n: LEAVES[n % (len(LEAVES) if n == 7 else 7)]())


def grown(inner: st.SearchStrategy[Runnable[Any, Any]]) -> st.SearchStrategy[Runnable[Any, Any]]:
    """A chain made of steps."""
    named = st.tuples(inner, st.sampled_from(["alpha", "beta"]), st.sampled_from([["t1"], ["t2", "t1"], []])).map(
        lambda parts: parts[0].with_config(run_name=parts[1], tags=parts[2], metadata={"of": parts[1]})
    )
    sequence = st.lists(inner, min_size=2, max_size=4).map(lambda steps: steps[0].pipe(*steps[1:]))
    nested = inner.map(lambda step: RunnableLambda(_calling(step)))
    returned = inner.map(lambda step: RunnableLambda(lambda _: step))
    parallel = st.lists(inner, min_size=1, max_size=3).map(
        lambda steps: RunnableParallel({f"k{place}": step for place, step in enumerate(steps)})
    )
    mapped = inner.map(lambda step: RunnableLambda(lambda v: [v, v]) | RunnableEach(step))
    branch = st.tuples(inner, inner, st.booleans()).map(
        lambda parts: RunnableBranch((lambda _: parts[2], parts[0]), parts[1])
    )
    fallen = st.tuples(inner, inner).map(lambda parts: (RunnableLambda(_fail) | parts[0]).with_fallbacks([parts[1]]))
    kept = st.tuples(inner, inner).map(lambda parts: parts[0].with_fallbacks([parts[1]]))
    return st.one_of(named, sequence, nested, returned, parallel, mapped, branch, fallen, kept, _retried(inner))


def _retried(inner: st.SearchStrategy[Runnable[Any, Any]]) -> st.SearchStrategy[Runnable[Any, Any]]:
    """A step that fails once and is tried again, inside a sequence: a root tried again is several roots."""
    rules: dict[str, Any] = {"wait_exponential_jitter": False, "stop_after_attempt": 2}
    streamed_one = inner.map(
        lambda step: RunnablePassthrough() | (RunnableLambda(_Alternating()) | step).with_retry(**rules)
    )
    invoked = inner.map(
        lambda step: RunnableLambda(_calling((RunnableLambda(_Alternating()) | step).with_retry(**rules)))
    )
    return st.one_of(streamed_one, invoked)


def _calling(step: Runnable[Any, Any]) -> Any:
    async def calls(value: Any) -> Any:
        return await step.ainvoke(value)

    return calls


CHAINS = st.recursive(leaf(), grown, max_leaves=8)


async def streamed(chain: Runnable[Any, Any], value: Any, **filters: Any) -> list[dict[str, Any]]:
    """The live records of a chain; those before a failure when it fails."""
    records = []
    try:
        async for record in chain.astream_events(value, version="v2", **filters):
            records.append(record)
    except ValueError:
        pass
    return records


def as_json(records: Any) -> str:
    """Records as canonical JSON."""
    return json.dumps(list(records), sort_keys=True)


@settings(max_examples=120, deadline=None)
@given(CHAINS, st.sampled_from(LEVELS), st.sampled_from(["x", "", 7, None, {"q": "a"}]))
def test_a_random_chain_replays_as_it_streamed(chain: Runnable[Any, Any], level: str, value: Any) -> None:
    """Canonical JSON of the live records equals that of the replayed ones, at every capture level."""
    with SpanRecorder(level) as spans:
        live = asyncio.run(streamed(chain, value))
        assert as_json(spans.records()) == as_json(canonical(record, level) for record in live)
        assert len({span.span_id for span in spans}) == len(spans) == spans.started


@settings(max_examples=60, deadline=None)
@given(CHAINS, st.randoms(use_true_random=False))
def test_filters_give_the_same_records_live_and_replayed(chain: Runnable[Any, Any], choice: random.Random) -> None:
    """The same filters over the live stream of one execution and over its stored spans agree record by record."""
    names = ["alpha", "beta", "_shout", "RunnableSequence", "progress", "nobody"]
    pool = {"names": names, "types": ["chain", "prompt", "progress"], "tags": ["t1", "t2", "seq:step:1", "map:key:k0"]}
    filters = {}
    for which in choice.sample(LISTS, choice.randint(1, 3)):
        filters[which] = choice.sample(pool[which.split("_")[1]], choice.randint(0, 2))
    with SpanRecorder() as spans:
        live = asyncio.run(streamed(chain, "v", **filters))
        replayed = list(CallbackManager.records(spans.spans, **filters))
        assert as_json(replayed) == as_json(map(canonical, live))


def _traced() -> Runnable[Any, Any]:
    inner = (RunnableLambda(_shout) | RunnableGenerator(_letters)).with_config(run_name="alpha", tags=["t1"])
    return RunnableLambda(_tell) | inner | RunnableParallel(k0=_later, k1=_shout).with_config(tags=["t2"])


def _oracle(records: list[dict[str, Any]], filters: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The naive filter over all records, by the documented words; data is left aside."""
    kept = []
    for record in records:
        kind = record["name"] if record["event"] == "on_custom_event" else record["event"].split("_")[1]
        asked = {"names": [record["name"]], "types": [kind], "tags": record["tags"]}
        includes = [key for key in filters if key.startswith("include")]
        hits = [key for key, values in filters.items() if set(values) & set(asked[key.split("_")[1]])]
        wanted = not includes or any(key.startswith("include") for key in hits)
        if wanted and not any(key.startswith("exclude") for key in hits):
            kept.append((record["event"], record["run_id"]))
    return kept


def test_every_small_filter_set_agrees_with_the_naive_one() -> None:
    """All subsets of the six lists, at most two values each, and 500 larger ones, on one stored trace."""
    with SpanRecorder() as spans:
        records = asyncio.run(streamed(_traced(), "abc"))
        stored = spans.spans
    names = sorted({record["name"] for record in records})[:2]
    types = ["chain", "progress"]
    tags = sorted({tag for record in records for tag in record["tags"]})[:2]
    values = {"names": names, "types": types, "tags": tags}
    options = []
    for which in LISTS:
        pool = values[which.split("_")[1]]
        options.append([None, [], *([v] for v in pool), pool])
    sets = list(itertools.product(*options))
    choice = random.Random(7)
    for chosen in sets:
        filters = {which: value for which, value in zip(LISTS, chosen, strict=True) if value is not None}
        replayed = list(CallbackManager.records(stored, **filters))
        assert [(r["event"], r["run_id"]) for r in replayed] == _oracle(records, filters)
    everything = {
        "names": sorted({r["name"] for r in records}),
        "types": types,
        "tags": sorted({t for r in records for t in r["tags"]}),
    }
    for _ in range(500):
        filters = {
            w: choice.sample(everything[w.split("_")[1]], choice.randint(0, 2))
            for w in choice.sample(LISTS, choice.randint(1, 6))
        }
        replayed = list(CallbackManager.records(stored, **filters))
        assert [(r["event"], r["run_id"]) for r in replayed] == _oracle(records, filters)


@pytest.mark.parametrize("level", LEVELS)
def test_a_chunk_that_passes_through_is_stored_once(level: str) -> None:
    """The outer run refers to the chunk of its last step instead of holding it again."""
    chunk = "c" * 500

    async def many(chunks: Any) -> Any:
        async for _ in chunks:
            for _ in range(20):
                yield chunk

    with SpanRecorder(level) as spans:
        live = asyncio.run(streamed(RunnablePassthrough() | RunnableGenerator(many), 1))
        outer = spans.one("RunnableSequence").journal
        assert outer is not None
        assert outer.count(chunk) == (0 if level == "structure" else 20), "only the output, the sum of the chunks"
        assert outer.count('"$type":"ref"') == (20 if level == "chunks" else 0)
        assert as_json(spans.records()) == as_json(canonical(record, level) for record in live)


@settings(max_examples=60, deadline=None)
@given(CHAINS, st.sampled_from(LEVELS), st.booleans())
def test_a_run_that_nobody_watched_replays_as_it_would_have_streamed(
    chain: Runnable[Any, Any], level: str, first: bool
) -> None:
    """The same chain, streamed once with and once without a reader of its events, replays alike; ids differ."""

    async def unwatched() -> None:
        try:
            async for _ in chain.astream("v"):
                pass
        except ValueError:
            pass

    shown = []
    for watched in (first, not first):
        with SpanRecorder(level) as spans:
            asyncio.run(streamed(chain, "v") if watched else unwatched())
            records = spans.records()
        ids = {record["run_id"]: place for place, record in enumerate(records)}
        shown.append(
            [
                (r["event"], r["name"], r["tags"], r["data"], ids[r["run_id"]], [ids.get(p) for p in r["parent_ids"]])
                for r in records
            ]
        )
    if not any(name in str(shown) for name in ("RunnableParallel", "RunnableEach")):  # side by side: any order
        assert shown[0] == shown[1]
