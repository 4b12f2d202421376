"""The position of a source that reads an API: pydantic models, kept as the state of its stream."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from simplyload.changes import State


class Part(BaseModel):
    """A part of a position; what another version kept in it and this one does not is left out."""

    model_config = ConfigDict(extra="ignore")


class StreamPosition(Part):
    """The whole: `seq` is the number of the last change, `kept` when an idle one was committed."""

    seq: int = 0
    kept: int = 0

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Read a committed state."""
        return cls.model_validate(state)

    def as_state(self) -> dict[str, Any]:
        """Return the state to commit."""
        return self.model_dump(mode="json", exclude_defaults=True)
