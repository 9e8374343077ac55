"""Which run an answer came from."""

from uuid import UUID

from pydantic import BaseModel

__all__ = ["RunInfo"]


class RunInfo(BaseModel):
    """Which run an answer came from."""

    run_id: UUID
