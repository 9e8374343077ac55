"""spanloom: an observability-first runtime for LLM programs.

Every run of a chain is a span; the events of a run can be streamed while it runs and replayed from stored spans.

    from spanloom import RunnableLambda, configure

    with configure(store=True):
        RunnableLambda(str.upper).invoke("hello")

Importing this loads nothing else; a name loads what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .exporters import configure
    from .replaying import replay
    from .runtime.documents import Document
    from .runtime.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
    from .runtime.models.llms import ChatGLM
    from .runtime.output_parsers import JsonOutputParser, StrOutputParser
    from .runtime.prompts import ChatPromptTemplate, PromptTemplate
    from .runtime.runnables import (
        Runnable,
        RunnableConfig,
        RunnableGenerator,
        RunnableLambda,
        RunnableParallel,
        RunnablePassthrough,
        RunnableSequence,
        carry_context,
        chain,
    )
    from .runtime.tools import tool
    from .tracing import (
        AsyncCallbackHandler,
        BaseCallbackHandler,
        CallbackManager,
        adispatch_custom_event,
        dispatch_custom_event,
    )

    __version__: str

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "AsyncCallbackHandler",
    "BaseCallbackHandler",
    "CallbackManager",
    "ChatGLM",
    "ChatPromptTemplate",
    "Document",
    "HumanMessage",
    "JsonOutputParser",
    "PromptTemplate",
    "Runnable",
    "RunnableConfig",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnableSequence",
    "StrOutputParser",
    "SystemMessage",
    "__version__",
    "adispatch_custom_event",
    "carry_context",
    "chain",
    "configure",
    "dispatch_custom_event",
    "replay",
    "tool",
]

_ROOMS = {
    "exporters": ("configure",),
    "replaying": ("replay",),
    "runtime.documents": ("Document",),
    "runtime.messages": ("AIMessage", "AIMessageChunk", "HumanMessage", "SystemMessage"),
    "runtime.models.llms": ("ChatGLM",),
    "runtime.output_parsers": ("JsonOutputParser", "StrOutputParser"),
    "runtime.prompts": ("ChatPromptTemplate", "PromptTemplate"),
    "runtime.runnables": (
        "Runnable",
        "RunnableConfig",
        "RunnableGenerator",
        "RunnableLambda",
        "RunnableParallel",
        "RunnablePassthrough",
        "RunnableSequence",
        "carry_context",
        "chain",
    ),
    "runtime.tools": ("tool",),
    "tracing": (
        "AsyncCallbackHandler",
        "BaseCallbackHandler",
        "CallbackManager",
        "adispatch_custom_event",
        "dispatch_custom_event",
    ),
}
_ROOM_OF = {name: room for room, held in _ROOMS.items() for name in held}


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version(__name__)
    elif name in _ROOM_OF:
        value = getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
