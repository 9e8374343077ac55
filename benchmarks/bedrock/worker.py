"""One measurement of one side, run as a script by the interpreter of that side's environment.

    python worker.py SIDE URL STREAMS KEYS

It opens that many streams of ConverseStream at once, reads them all, and prints one JSON line: wall and CPU seconds,
the pauses of the event loop in milliseconds, and how many tokens came. Nothing of spanloom may be imported here but by
its own side.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
KEYS = json.loads(sys.argv[4])
BEAT_S = 0.002
"""How often the loop is asked for a sign of life."""

Stream = Callable[[], Awaitable[int]]


def spanloom_side(url: str) -> Stream:
    """Return what reads one stream: spans recorded and handed to a batching processor, as in production."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    from spanloom.runtime.models.bedrock import ChatBedrockConverse

    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    trace.set_tracer_provider(provider)
    return _messages_of(ChatBedrockConverse(model=MODEL, endpoint_url=url, **KEYS))


def langchain_aws_side(url: str) -> Stream:
    from langchain_aws import ChatBedrockConverse

    return _messages_of(ChatBedrockConverse(model=MODEL, endpoint_url=url, **KEYS))


def _messages_of(model) -> Stream:
    async def stream() -> int:
        count = 0
        async for chunk in model.astream("Count the tokens."):
            count += any(block.get("text") for block in chunk.content if isinstance(block, dict)) or (
                isinstance(chunk.content, str) and bool(chunk.content)
            )
        return count

    return stream


def aiobotocore_side(url: str) -> Stream:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    made = {}

    async def stream() -> int:
        if "client" not in made:
            made["client"] = None
            context = get_session().create_client(
                "bedrock-runtime", endpoint_url=url, config=AioConfig(max_pool_connections=1000), **KEYS
            )
            made["client"] = await context.__aenter__()
        messages = [{"role": "user", "content": [{"text": "Count the tokens."}]}]
        answer = await made["client"].converse_stream(modelId=MODEL, messages=messages)
        count = 0
        async for event in answer["stream"]:
            if event.get("contentBlockDelta", {}).get("delta", {}).get("text"):
                count += 1
        return count

    return stream


SIDES = {"spanloom": spanloom_side, "langchain-aws": langchain_aws_side, "aiobotocore": aiobotocore_side}


async def _beat(pauses: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(BEAT_S)
        pauses.append((time.perf_counter() - before - BEAT_S) * 1000)


async def measure(stream: Stream, streams: int) -> dict[str, float]:
    """Return what that many streams at once took, after one stream that warms up."""
    await stream()
    pauses: list[float] = []
    heart = asyncio.create_task(_beat(pauses))
    await asyncio.sleep(0.05)
    pauses.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    counts = await asyncio.gather(*[stream() for _ in range(streams)])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    heart.cancel()
    pauses.sort()
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "tokens": sum(counts),
        "pause_p99_ms": pauses[int(len(pauses) * 0.99)] if pauses else 0.0,
        "pause_max_ms": pauses[-1] if pauses else 0.0,
    }


def main() -> None:
    side, url, streams = sys.argv[1], sys.argv[2], int(sys.argv[3])
    result = asyncio.run(measure(SIDES[side](url), streams))
    print(json.dumps(result), flush=True)
    os._exit(0)  # clients of the peers are left open on purpose; their farewells are not measured


if __name__ == "__main__":
    main()
