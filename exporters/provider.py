"""What our own tracer provider does differently: ids that follow the run, and a sampler that fits such ids.

A root run's trace id is its run id, a UUID: two of its low 64 bits are fixed. The SDK's ratio sampler compares the low
64 bits with a bound, so it would keep nothing at any ratio up to one half. `RunRatioSampler` decides on the lowest 56
bits, which are random in UUIDs of versions 4 and 7 and, by W3C Trace Context level 2, in trace ids at large.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.environment_variables import OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from ..tracing.ids import WANTED
from .errors import ConfigurationError

__all__ = ["RunIdGenerator", "RunRatioSampler", "parent_based_ratio", "sampler_from_environment"]

_RANDOM_BITS = 56
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_RANDOM_UUID_VERSIONS = (4, 7)

_random = random.Random(os.urandom(16))  # ours alone: a program that seeds `random` must not repeat its ids
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(16)))


def _random_id(bits: int) -> int:
    """Return a random id; never zero, which stands for "no id"."""
    while True:
        number = _random.getrandbits(bits)
        if number:
            return number


class RunIdGenerator(IdGenerator):
    """Gives a span the ids its run wants, and random ones to everybody else."""

    def generate_trace_id(self) -> int:
        """Return the trace id wanted by the span about to start, or a random one."""
        wanted = WANTED.get()
        return wanted[0] if wanted is not None and wanted[0] else _random_id(128)

    def generate_span_id(self) -> int:
        """Return the span id wanted by the span about to start, or a random one. A wish is granted once."""
        wanted = WANTED.get()
        if wanted is None:
            return _random_id(64)
        WANTED.set(None)
        return wanted[1] or _random_id(64)

    def is_trace_id_random(self) -> bool:
        """Return True when the lowest 56 bits of the trace id just given are random.

        That holds for random ids and for UUIDs of versions 4 and 7; of a run id that the user made otherwise nothing
        is known.
        """
        wanted = WANTED.get()
        return wanted is None or not wanted[0] or (wanted[0] >> 76) & 0xF in _RANDOM_UUID_VERSIONS


class RunRatioSampler(Sampler):
    """Keeps that share of all traces, deciding on the lowest 56 bits of the trace id.

    The same trace id gets the same answer in every process, and what a lower ratio keeps a higher one keeps too.

    Args:
        ratio: The share to keep, from 0 to 1.

    Raises:
        ConfigurationError: If the ratio is not a number from 0 to 1.
    """

    def __init__(self, ratio: float) -> None:
        if not 0.0 <= ratio <= 1.0:
            raise ConfigurationError(f"The sampling ratio is {ratio!r}; give a number from 0 to 1.")
        self.ratio = ratio
        self._bound = round(ratio * (1 << _RANDOM_BITS))

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the decision for a span; only the trace id matters.

        Args:
            parent_context: The parent's context, for its trace state.
            trace_id: The trace id.
            name: The span's name; not used.
            kind: The span's kind; not used.
            attributes: The span's first attributes, kept when it is sampled.
            links: The span's links; not used.
            trace_state: The trace state; the parent's counts.
        """
        parent = get_current_span(parent_context).get_span_context()
        state = parent.trace_state if parent.is_valid else None
        if trace_id & _RANDOM_MASK < self._bound:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)
        return SamplingResult(Decision.DROP, None, state)

    def get_description(self) -> str:
        """Return the sampler's name and ratio."""
        return f"RunRatioSampler{{{self.ratio}}}"


def parent_based_ratio(ratio: float) -> Sampler:
    """Return a sampler that follows the parent's decision, and for roots keeps that share.

    Args:
        ratio: The share of root spans to keep, from 0 to 1.

    Raises:
        ConfigurationError: If the ratio is not a number from 0 to 1.
    """
    return ParentBased(RunRatioSampler(ratio))


_FIXED: dict[str, Sampler] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
}


def sampler_from_environment(environ: Mapping[str, str] | None = None) -> Sampler:
    """Return the sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG name; the default follows the parent.

    Args:
        environ: The variables; None means those of the process.

    Raises:
        ConfigurationError: If the sampler is not a standard one, or its ratio is not a number from 0 to 1.
    """
    variables = os.environ if environ is None else environ
    name = variables.get(OTEL_TRACES_SAMPLER, "").strip().lower() or "parentbased_always_on"
    if name in _FIXED:
        return _FIXED[name]
    if name not in ("traceidratio", "parentbased_traceidratio"):
        known = ", ".join([*_FIXED, "traceidratio", "parentbased_traceidratio"])
        raise ConfigurationError(
            f"{OTEL_TRACES_SAMPLER} is {name!r}; use one of {known}, or give configure() a sampler."
        )
    given = variables.get(OTEL_TRACES_SAMPLER_ARG, "").strip() or "1.0"
    try:
        sampler = RunRatioSampler(float(given))
    except ValueError:
        raise ConfigurationError(
            f"{OTEL_TRACES_SAMPLER_ARG} is {given!r}; {name} needs a number from 0 to 1 there."
        ) from None
    return sampler if name == "traceidratio" else ParentBased(sampler)
