"""A run ends once, also when user code ends it through its own manager."""

from typing import Any

import pytest

from spanloom.runtime.callbacks import BaseCallbackHandler
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder


class Counting(BaseCallbackHandler):
    """Keeps the outputs it is told of."""

    def __init__(self) -> None:
        self.ended: list[Any] = []

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.ended.append(outputs)


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream"])
async def test_a_run_that_user_code_ends_is_not_ended_again(mode: str) -> None:
    """The hook is called once, with what the user code said; the caller still gets the value."""

    def step(value: int, run_manager: Any) -> int:
        run_manager.on_chain_end("early")
        return value + 1

    async def astep(value: int, run_manager: Any) -> int:
        await run_manager.on_chain_end("early")
        return value + 1

    handler = Counting()
    runnable = RunnableLambda(step, astep)
    with SpanRecorder() as spans:
        if mode == "stream":
            assert list(runnable.stream(1, {"callbacks": [handler]})) == [2]
        else:
            config: Any = {"callbacks": [handler]}
            assert (runnable.invoke(1, config) if mode == "invoke" else await runnable.ainvoke(1, config)) == 2
        assert len(spans) == spans.started == 1
    assert handler.ended == ["early"]
