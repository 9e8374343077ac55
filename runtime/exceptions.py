"""Every error the runtime raises on purpose, as one tree.

    SpanloomError
    ├── OutputParserException (ValueError)   a parser could not read a model's answer
    ├── TracerException                      a tracer was driven out of order
    ├── InvalidInputError     (ValueError)   a value of the right kind that cannot be used
    ├── ConfigError           (TypeError)    a config that is no mapping
    ├── CoercionError         (TypeError)    something in a pipe that cannot run
    ├── AsyncOnlyError        (TypeError)    a step that only runs on an event loop was called without one
    ├── MissingVariableError  (KeyError)     a prompt was not given all its variables (`prompts.base`)
    ├── ToolException                        a tool that failed in a way its caller may be told (`tools`)
    └── ModelError            (ValueError)   a provider refused, failed or answered nonsense; below it ChatGlmError
        └── GuardrailInterventionError       a guardrail intervened; raised only where the caller asks for it

The built-in class in brackets is a second base, so programs that catch `ValueError` or `TypeError` keep working.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it loads OpenTelemetry's metrics and logs, which most programs never need
    from ..tracing.interventions import Intervention

__all__ = [
    "AsyncOnlyError",
    "CoercionError",
    "ConfigError",
    "GuardrailInterventionError",
    "InvalidInputError",
    "ModelError",
    "OutputParserException",
    "SpanloomError",
    "TracerException",
]


class SpanloomError(Exception):
    """The root of the tree; catch it to catch everything the runtime raises on purpose."""


class OutputParserException(ValueError, SpanloomError):
    """A parser could not read a model's answer.

    It is an error of the answer, not of the program, so a chain may repair it: retry, or show the model what was wrong.

    Attributes:
        observation: What to tell the model about the failure, or None.
        llm_output: The answer that could not be read, or None.
        send_to_llm: Whether a repairing step should show `observation` and `llm_output` to the model.
    """

    def __init__(
        self,
        error: Any,
        observation: str | None = None,
        llm_output: str | None = None,
        send_to_llm: bool = False,
    ) -> None:
        """Store the failure.

        Args:
            error: The message, or the exception that was caught; it becomes `args[0]` unchanged.
            observation: What to tell the model about the failure.
            llm_output: The answer that could not be read.
            send_to_llm: Ask a repairing step to show both to the model.

        Raises:
            ValueError: If `send_to_llm` is set and `observation` or `llm_output` is missing.
        """
        if send_to_llm and (observation is None or llm_output is None):
            missing = "observation" if observation is None else "llm_output"
            raise ValueError(f"send_to_llm=True needs something to send, but {missing} is None; pass both texts.")
        super().__init__(error)
        self.observation = observation
        self.llm_output = llm_output
        self.send_to_llm = send_to_llm


class TracerException(SpanloomError):
    """A tracer was told of an end without a start, or of a start twice."""


class InvalidInputError(SpanloomError, ValueError):
    """A value of an accepted kind whose content cannot be used; the message says what was expected."""


class ConfigError(SpanloomError, TypeError):
    """A config that is no mapping."""


class CoercionError(SpanloomError, TypeError):
    """Something was put in a pipe that is no runnable, callable or mapping of them."""


class AsyncOnlyError(SpanloomError, TypeError):
    """A step that only runs on an event loop was called without one; call its async method instead."""


class ModelError(SpanloomError, ValueError):
    """A model provider refused the request, failed, or sent an answer that cannot be read."""


class GuardrailInterventionError(ModelError):
    """A guardrail changed or blocked content.

    Handlers get it as a notice, with `signal=True`, and the run goes on; it is raised only where the caller asks for
    that. Its message tells what acted, never the user's text.

    Attributes:
        intervention: What the guardrail did.
    """

    def __init__(self, intervention: Intervention) -> None:
        """Store the intervention.

        Args:
            intervention: What the guardrail did.
        """
        self.intervention = intervention
        acted = sorted({f"{each.policy} {each.rule}: {each.action}" for each in intervention.assessments if each.acted})
        which = f" {intervention.guardrail_id}" if intervention.guardrail_id else ""
        where = f" on {intervention.source}" if intervention.source else ""
        why = "; ".join(acted) or intervention.action_reason or "no policy was told; ask for its trace to see which"
        super().__init__(f"{intervention.component}{which} intervened{where}: {intervention.action} ({why}).")

    def __reduce__(self) -> Any:
        return type(self), (self.intervention,)
