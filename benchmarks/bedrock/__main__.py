"""The command line: `python -m benchmarks.bedrock --help`."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from spanloom.testing.bedrock_server import BedrockServer

__all__ = ["main"]

_PEERS = {"aiobotocore": ["aiobotocore"], "langchain-aws": ["langchain-aws"]}
_WORKER = Path(__file__).with_name("worker.py")
_GOALS = {"wall": 1.1, "cpu": 1.3}
"""Ours over aiobotocore's, at most."""


def interpreter(side: str, folder: Path) -> str:
    """Return the Python of a side's environment; a peer's is made when it is not there."""
    if side not in _PEERS:
        return sys.executable
    home = folder / side
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *_PEERS[side]], check=True)
    return str(python)


def once(python: str, side: str, server: BedrockServer, streams: int) -> dict[str, float]:
    """Return one measurement."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OTEL_", "SPANLOOM_", "LANG"))}
    environment["AWS_EC2_METADATA_DISABLED"] = "true"
    command = [python, str(_WORKER), side, server.url, str(streams), json.dumps(server.credentials)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{side} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _events(tokens: int) -> list[tuple[str, dict[str, object]]]:
    deltas = [
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": f" token{place}"}}) for place in range(tokens)
    ]
    usage = {"inputTokens": 4, "outputTokens": tokens, "totalTokens": tokens + 4}
    return [
        ("messageStart", {"role": "assistant"}),
        *deltas,
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 under `--strict` when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bedrock", description=__doc__)
    parser.add_argument("--streams", type=int, default=250)
    parser.add_argument("--tokens", type=int, default=50)
    parser.add_argument("--gap-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", action="append", choices=["spanloom", *_PEERS], help="only these; may be repeated")
    parser.add_argument("--environments", type=Path, default=Path(".bench"))
    parser.add_argument("--strict", action="store_true")
    options = parser.parse_args(arguments)
    sides = options.side or ["spanloom", *_PEERS]
    pythons = {side: interpreter(side, options.environments) for side in sides}
    taken: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with BedrockServer() as server:
        for _ in range(options.rounds):
            for side in sides:
                server.reset()
                calls = options.streams + 1
                server.stream("converse_stream", _events(options.tokens), gap_s=options.gap_ms / 1000, times=calls)
                result = once(pythons[side], side, server, options.streams)
                if result["tokens"] != options.streams * options.tokens:
                    raise RuntimeError(f"{side} read {result['tokens']} tokens of {options.streams * options.tokens}.")
                taken[side].append(result)
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{options.streams} streams of {options.tokens} tokens, {options.gap_ms:g} ms apart, {options.rounds} rounds")
    for side, results in taken.items():
        shown = {key: statistics.median(result[key] for result in results) for key in results[0]}
        print(
            f"{side:14} wall {shown['wall_s']:6.2f} s  cpu {shown['cpu_s']:6.2f} s  loop pause "
            f"99 % {shown['pause_p99_ms']:7.1f} ms  max {shown['pause_max_ms']:7.1f} ms"
        )
    return _verdict(taken) if "aiobotocore" in taken and "spanloom" in taken and options.strict else 0


def _verdict(taken: dict[str, list[dict[str, float]]]) -> int:
    missed = 0
    for what, goal in _GOALS.items():
        pairs = zip(taken["spanloom"], taken["aiobotocore"], strict=True)
        ratio = statistics.median(ours[f"{what}_s"] / theirs[f"{what}_s"] for ours, theirs in pairs)
        state = "ok" if ratio <= goal else "MISS"
        missed += ratio > goal
        print(f"{what}: {ratio:.2f} of aiobotocore's, goal <= {goal} {state}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
