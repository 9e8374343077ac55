"""What the tests of combinators share: ways of calling a chain, its records live and replayed, and small steps."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from spanloom.runtime.runnables import Runnable
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical

MODES = ["invoke", "ainvoke", "stream", "astream"]


def streamed(chain: Runnable[Any, Any], value: Any) -> list[Any]:
    """The live records, shortened, with runs by number; they must be what replay gives."""
    records = []

    async def read() -> None:
        try:
            async for record in chain.astream_events(value, version="v2"):
                records.append(record)
        except ValueError:
            pass

    with SpanRecorder() as spans:
        asyncio.run(read())
        live = json.dumps([canonical(record) for record in records], sort_keys=True)
        assert json.dumps(spans.records(), sort_keys=True) == live
    ids = {run_id: n for n, run_id in enumerate(dict.fromkeys(record["run_id"] for record in records))}
    return [
        (r["event"], r["name"], r["tags"], r["data"], ids[r["run_id"]], [ids[p] for p in r["parent_ids"]])
        for r in records
    ]


def called(chain: Runnable[Any, Any], mode: str, value: Any) -> Any:
    """What the chain gives, by the method named; chunks of a stream as a list."""

    async def chunks() -> list[Any]:
        return [chunk async for chunk in chain.astream(value)]

    if mode == "invoke":
        return chain.invoke(value)
    if mode == "stream":
        return list(chain.stream(value))
    return asyncio.run(chunks()) if mode == "astream" else asyncio.run(chain.ainvoke(value))


def same(value: Any) -> Any:
    return value


def bad(value: Any) -> Any:
    raise ValueError("bad")


async def letters(chunks: Any) -> AsyncIterator[str]:
    async for _ in chunks:
        yield "a"
        yield "b"
