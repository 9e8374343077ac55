"""Which model stands behind an application inference profile, asked of AWS at most once.

The profile's ARN does not say it. Calls that come while the first one asks wait for its answer, threads and tasks
alike. Where AWS does not tell, a warning is logged and the profile counts as a current model of its provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .....tracing import log
from ....language_models.turns import Turns
from ..calls import Call
from ..errors import BedrockError
from ..identity import base_id
from ..transport import Transport

__all__ = ["ProfileLookup", "is_application_profile"]


def is_application_profile(model_id: str) -> bool:
    """Return whether a model id is the ARN of an application inference profile.

    Args:
        model_id: The id.
    """
    return model_id.startswith("arn:") and ":application-inference-profile/" in model_id


class ProfileLookup:
    """One profile and what is known of it.

    Attributes:
        model: The id of the foundation model behind it; None while it is not known.

    Args:
        model_id: A model's id; one that is no application inference profile is never looked up.
    """

    def __init__(self, model_id: str) -> None:
        self.model: str | None = None
        self._model_id = model_id
        self._is_settled = not is_application_profile(model_id)
        self._turns = Turns()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProfileLookup) and other._model_id == self._model_id

    def __hash__(self) -> int:
        return hash(self._model_id)

    def __reduce__(self) -> tuple[Any, ...]:
        return ProfileLookup, (self._model_id,)

    @property
    def _call(self) -> Call:
        return Call("get_inference_profile", {"inferenceProfileIdentifier": self._model_id}, service="bedrock")

    def ask(self, transport: Transport) -> None:
        """Look the profile up unless that was done.

        Args:
            transport: What sends the call.
        """
        if self._is_settled:
            return
        turn = self._turns.ask()
        try:
            turn.result()
            if not self._is_settled:
                self._keep(transport.call(self._call))
        except BedrockError as exc:
            self._give_up(exc)
        finally:
            self._turns.leave(turn)

    async def aask(self, transport: Transport) -> None:
        """Look the profile up on an event loop unless that was done.

        Args:
            transport: What sends the call.
        """
        if self._is_settled:
            return
        turn = self._turns.ask()
        try:
            await asyncio.shield(asyncio.wrap_future(turn))
            if not self._is_settled:
                self._keep(await transport.acall(self._call))
        except BedrockError as exc:
            self._give_up(exc)
        finally:
            self._turns.leave(turn)

    def _keep(self, answer: Mapping[str, Any]) -> None:
        arns = [model.get("modelArn") for model in answer.get("models") or ()]
        self.model = next((base_id(arn) for arn in arns if isinstance(arn, str)), None)
        self._is_settled = True

    def _give_up(self, error: BedrockError) -> None:
        self._is_settled = True
        log.get("models").warning("an inference profile could not be looked up", error=str(error))
