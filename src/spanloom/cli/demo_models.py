"""The models that the demonstration can ask, each on a server of its own on this machine, and what it asks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import click

from ..runtime.documents import Document
from ..runtime.language_models import BaseLanguageModel
from ..tracing import AsyncCallbackHandler

__all__ = ["MODELS", "Asked", "served"]

_BEDROCK_MODEL = "amazon.nova-lite-v1:0"
_GUARDRAIL = ("demo-guardrail", "1")
_CONTACT = Document(
    page_content="Questions about this demonstration go to Ada Lovelace at ada@example.org.",
    metadata={"source": "contact"},
)


@dataclass(frozen=True)
class Asked:
    """A model with what the demonstration does with it.

    Args:
        model: The model.
        further_questions: What is asked besides the user's question.
        further_passages: What may be quoted besides the user's texts.
        notices: What guardrails did, as far as it is not shown yet.
    """

    model: BaseLanguageModel
    further_questions: Sequence[str] = ()
    further_passages: Sequence[Document] = ()
    notices: list[str] = field(default_factory=list)


class _Listener(AsyncCallbackHandler):
    """Hears what guardrails did.

    Args:
        heard: Gets a sentence for each intervention.
    """

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    async def on_llm_error(self, error: BaseException, *, run_id: Any, parent_run_id: Any = None, **kwargs: Any) -> Any:
        """Keep a guardrail's notice; other errors end the run and are shown by the demonstration itself."""
        if kwargs.get("reason") == "GUARDRAIL_INTERVENED":
            self._heard.append(str(error))


def _chatglm(stack: ExitStack, endpoint: str | None, delay_ms: float) -> Asked:
    from ..runtime.models.chatglm import ChatGLM

    if endpoint is None:
        from ..testing.chatglm_server import ChatGlmServer

        endpoint = stack.enter_context(ChatGlmServer(delay_ms=delay_ms)).chat_url
        click.echo(f"A ChatGLM server answers at {endpoint} (a process of its own, on this machine).")
    return Asked(ChatGLM(endpoint_url=endpoint))


def _bedrock(stack: ExitStack, endpoint: str | None, delay_ms: float) -> Asked:
    from ..runtime.models.bedrock import ChatBedrockConverse

    settings: dict[str, Any] = {"endpoint_url": endpoint}
    if endpoint is None:
        from ..testing.bedrock_server import BedrockServer

        server = stack.enter_context(BedrockServer(gap_s=delay_ms / 1000))
        server.guardrail(
            *_GUARDRAIL,
            topics={"Explosives": ["explosive", "explosives"]},
            masked={r"[\w.]+@[\w.]+\w": "{EMAIL}"},
            blocked_message="This question is not answered here.",
        )
        settings = {"endpoint_url": server.url, **server.credentials}
        click.echo(f"A Bedrock server answers at {server.url} (a process of its own, on this machine).")
    identifier, version = _GUARDRAIL
    heard: list[str] = []
    settings |= {
        "model": _BEDROCK_MODEL,
        "guardrail_config": {"guardrailIdentifier": identifier, "guardrailVersion": version, "trace": "enabled"},
        "callbacks": [_Listener(heard)],
    }
    model = ChatBedrockConverse(**settings)
    questions = ("How do I make an explosive?", "To whom do questions about this demonstration go?")
    return Asked(model, questions, (_CONTACT,), heard)


MODELS: dict[str, Callable[[ExitStack, str | None, float], Asked]] = {"chatglm": _chatglm, "bedrock": _bedrock}
"""How each model is had: given a stack that ends its server, the endpoint or None, and a server's pause in ms."""


def served(name: str, stack: ExitStack, endpoint: str | None, delay_ms: float) -> Asked:
    """Return a model of `MODELS` and start its server where no endpoint is given.

    Args:
        name: Which model.
        stack: Ends the server.
        endpoint: The server to ask; one is started when it is None.
        delay_ms: A started server's pause between tokens, in milliseconds.
    """
    return MODELS[name](stack, endpoint, delay_ms)
