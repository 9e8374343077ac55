"""What a Bedrock model object takes: the first of a fresh interpreter, its import included, and each further one.

The reference is langchain-aws where this interpreter has it; without it our side is measured alone. Nothing is asked.
"""

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator

from .measuring import Row, row_of

__all__ = ["FURTHER", "NAMES", "measure_objects"]

NAMES = ("first ChatBedrockConverse object, with its import", "further ChatBedrockConverse object")
"""The rows."""

FURTHER = 20
"""How many further objects one interpreter makes."""

_PROGRAM = """
import json, time
began = time.process_time()
from {module} import ChatBedrockConverse
settings = dict(
    model="amazon.nova-lite-v1:0", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
)
models = [ChatBedrockConverse(**settings)]
first = time.process_time() - began
began = time.process_time()
models += [ChatBedrockConverse(**settings) for _ in range({further})]
print(json.dumps([first, (time.process_time() - began) / {further}]))
"""


def measure_objects(only: str, pairs: int) -> Iterator[Row]:
    """Yield the rows whose name contains a text.

    Args:
        only: The text; empty selects all.
        pairs: How many pairs of interpreters count.
    """
    wanted = [place for place, name in enumerate(NAMES) if only.lower() in name.lower()]
    if not wanted:
        return
    modules = ["spanloom.runtime.models.bedrock"]
    if importlib.util.find_spec("langchain_aws"):
        modules.append("langchain_aws")
    taken = [[_once(module) for module in modules] for _ in range(pairs + 1)][1:]
    for place in wanted:
        sides = [[round_[side][place] for round_ in taken] for side in range(len(modules))]
        if len(sides) == 2:
            yield row_of(NAMES[place], "object", None, [(seconds, 1) for seconds in sides])
        else:
            ours_us = statistics.median(sides[0]) * 1e6
            yield Row(
                NAMES[place], "object", None, "alone", ours_us, pairs=pairs, note="langchain-aws is not installed"
            )


def _once(module: str) -> list[float]:
    program = _PROGRAM.format(module=module, further=FURTHER)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout)
    return seconds
