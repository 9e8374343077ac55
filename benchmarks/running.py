"""Running scenarios: in this process for one pipeline, and a process per pipeline for the whole table."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .measuring import Row, Workload, alternate, row_of
from .pipelines import Pipeline
from .scenarios import SCENARIOS, Scenario
from .sides import OURS, REFERENCE, NotThereError

__all__ = ["IMPORT_GOAL", "measure_here", "measure_imports", "measure_in_processes", "selected"]

IMPORT_GOAL = 0.35
_FOREIGN_SETTINGS = ("OTEL_", "SPANLOOM_", "LANGCHAIN_", "LANGSMITH_")


def selected(pipeline: str, only: str) -> list[Scenario]:
    """Return the scenarios of a pipeline whose name contains a text.

    Args:
        pipeline: The pipeline's name.
        only: The text; empty selects all.
    """
    return [s for s in SCENARIOS if pipeline in s.pipelines and only.lower() in s.name.lower()]


def measure_here(pipeline_name: str, only: str, pairs: int) -> Iterator[Row]:
    """Yield the rows of one pipeline, measured in this process.

    Args:
        pipeline_name: The pipeline's name.
        only: Part of the names of the scenarios wanted.
        pairs: How many pairs of batches count.
    """
    missing: NotThereError | None = None
    pipeline: Pipeline | None = None
    try:
        pipeline = Pipeline(pipeline_name)
    except NotThereError as err:
        missing = err
    for scenario in selected(pipeline_name, only):
        row = _not_there(scenario, missing, pairs) if pipeline is None else _measure(scenario, pipeline, pairs)
        yield replace(row, scenario=f"{row.scenario} (own pipeline)") if pipeline_name == "own" else row
    if pipeline is not None:
        pipeline.close()


def _measure(scenario: Scenario, pipeline: Pipeline, pairs: int) -> Row:
    try:
        ours = _with_spans(scenario.ours(), pipeline, scenario.least_spans)
        reference = scenario.reference()
        if scenario.compares_with_itself:
            reference = _with_spans(reference, pipeline, 0)
        times = alternate([ours, reference], pairs)
    except NotThereError as err:
        return _not_there(scenario, err, pairs)
    except Exception as err:
        return _not_there(scenario, err, pairs, state="FAILED")
    return row_of(scenario.name, scenario.unit, scenario.goal, [(times[0], ours.units), (times[1], reference.units)])


def _with_spans(workload: Workload, pipeline: Pipeline, least: int) -> Workload:
    pipeline.take_count()

    def check() -> None:
        made = pipeline.take_count()
        if made < least or (pipeline.name == "off" and made):
            raise AssertionError(f"a batch made {made} spans, expected {least or 'none'}")

    return replace(workload, finish=pipeline.flush, check=check)


def _not_there(scenario: Scenario, err: Exception | None, pairs: int, state: str = "not there yet") -> Row:
    """Return a row without our side; the reference is measured all the same."""
    row = Row(scenario.name, scenario.unit, scenario.goal, state, note=f"{type(err).__name__}: {err}")
    if scenario.compares_with_itself:
        return row
    reference = scenario.reference()
    [taken] = alternate([reference], pairs)
    row.reference_us = statistics.median(taken) / reference.units * 1e6
    row.pairs = pairs
    return row


def measure_in_processes(pipelines: Sequence[str], only: str, pairs: int) -> Iterator[Row]:
    """Yield the rows of several pipelines, each measured in a process of its own, without settings from outside.

    Args:
        pipelines: The pipelines' names.
        only: Part of the names of the scenarios wanted.
        pairs: How many pairs of batches count.

    Raises:
        RuntimeError: If a process ends with an error.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN_SETTINGS)}
    environment |= {"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
    for pipeline in pipelines:
        if not selected(pipeline, only):
            continue
        command = [sys.executable, "-m", "benchmarks", "--worker", pipeline, "--only", only, "--pairs", str(pairs)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                yield Row(**json.loads(line))
        if worker.returncode:
            raise RuntimeError(f"The process that measured the {pipeline} pipeline ended with {worker.returncode}.")


def measure_imports(pairs: int) -> Row:
    """Return the row of the CPU time that importing `RunnableLambda` takes in a fresh interpreter.

    Args:
        pairs: How many pairs of interpreters count.
    """
    name = "import of RunnableLambda"
    times: list[list[float]] = [[], []]
    for count in range(pairs + 1):
        for side, taken in zip((OURS, REFERENCE), times, strict=True):
            program = (
                "import time; began = time.process_time(); "
                f"from {side.root}.runnables import RunnableLambda; print(time.process_time() - began)"
            )
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
            if done.returncode and side is REFERENCE:
                raise RuntimeError(done.stderr)
            if count and not done.returncode:
                taken.append(float(done.stdout))
    if not times[0]:
        row = Row(name, "import", IMPORT_GOAL, "not there yet", note=f"{OURS.root}.runnables.RunnableLambda")
        row.reference_us = statistics.median(times[1]) * 1e6
        row.pairs = pairs
        return row
    return row_of(name, "import", IMPORT_GOAL, [(times[0], 1), (times[1], 1)])
