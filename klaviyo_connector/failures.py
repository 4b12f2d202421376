"""What fails while the rest of a sync goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

from api import ConfigurationError, ContractError, KlaviyoError, TransientError
from models import Operation, Warning


class Failures:
    """Errors of single questions: the others are asked all the same, and the first is raised last.

    Two in a row to which Klaviyo gave no answer, however long it was waited, are not these
    questions' fault: Klaviyo is down, and the rest would be waited for in vain.
    """

    def __init__(self) -> None:
        self._errors: list[KlaviyoError] = []
        self._unanswered = 0  # in a row

    @property
    def klaviyo_is_down(self) -> bool:
        """Whether to ask no more."""
        return self._unanswered > 1

    def note(self, error: KlaviyoError | None) -> None:
        """Note how a question ended."""
        self._unanswered = self._unanswered + 1 if isinstance(error, TransientError) else 0
        if error is not None:
            self._errors.append(error)

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """Ask here; what would fail everywhere, such as a rejected key, is raised at once."""
        error: KlaviyoError | None = None
        try:
            yield
        except (ContractError, TransientError) as raised:
            error = raised
        except ConfigurationError:
            if not self._errors:  # else an earlier one may be the cause: a metric is not known
                raise
        self.note(error)

    def told(self) -> Iterator[Operation]:
        """A warning for each but the first, which is raised."""
        yield from (Warning(str(error)) for error in self._errors[1:])

    def raise_first(self) -> None:
        """Fail if anything did."""
        if self._errors:
            raise self._errors[0]
