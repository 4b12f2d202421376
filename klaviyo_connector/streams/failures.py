"""Collects the errors of single requests, so that one of them does not block the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from api import ConfigurationError, ContractError, KlaviyoError, TransientError
from models import Operation, Warning

MAX_CONSECUTIVE_UNANSWERED = 2


class Failures:
    """The errors of a sync so far; the first of them is raised when everything else is done.

    Two consecutive unanswered requests mean that Klaviyo is down: their retries have already
    waited long, so the sync stops instead of waiting for the rest.
    """

    def __init__(self) -> None:
        self._errors: list[KlaviyoError] = []
        self._unanswered = 0  # in a row

    @property
    def should_abort(self) -> bool:
        """Whether Klaviyo is down, so that the sync sends no more requests."""
        return self._unanswered >= MAX_CONSECUTIVE_UNANSWERED

    def record(self, error: KlaviyoError | None) -> None:
        """Record how a request ended; None is success."""
        self._unanswered = self._unanswered + 1 if isinstance(error, TransientError) else 0
        if error is not None:
            self._errors.append(error)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Record an error of the block; raise at once what fails everywhere (a rejected key)."""
        error: KlaviyoError | None = None
        try:
            yield
        except (ConfigurationError, ContractError, TransientError) as raised:
            error = raised
        self.record(error)

    def warnings(self) -> Iterator[Operation]:
        """A warning for each error but the first, which is raised."""
        yield from (Warning(str(error)) for error in self._errors[1:])

    def raise_first(self) -> None:
        """Raise the first error, if there is any."""
        if self._errors:
            raise self._errors[0]
