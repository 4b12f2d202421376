"""A source that fails run after run is tried less often."""

from datetime import timedelta

import pytest

from simplyload.breaker import Breaker
from simplyload.errors import DestinationError, SourceError

MINUTE = timedelta(minutes=1)


def test_the_interval_doubles_from_the_third_failure_on_up_to_15_minutes() -> None:
    """A run each minute: after three failures the waits are 2, 4, 8, 15 and 15 minutes."""
    breaker, tried = Breaker(MINUTE), []
    for minute in range(60):
        if breaker.lets_run(60.0 * minute):
            tried.append(minute)
            breaker.record_run(SourceError("away"), 60.0 * minute)
    assert tried == [0, 1, 2, 4, 8, 16, 31, 46]


def test_a_success_brings_the_interval_back() -> None:
    """One answer of the source, and the next three failures are tried at the interval again."""
    breaker = Breaker(MINUTE)
    for began in (0, 60, 120):
        rest = breaker.record_run(SourceError("away"), began)
    assert rest == 2 * MINUTE
    assert not breaker.lets_run(180)
    assert breaker.record_run(None, 240) is None
    assert [breaker.record_run(SourceError("away"), 300 + 60 * n) for n in range(2)] == [None, None]
    assert breaker.lets_run(420)


@pytest.mark.parametrize("error", [DestinationError("full"), None])
def test_only_the_source_is_spared(error: DestinationError | None) -> None:
    """A destination that is away is tried at each interval: what was read is not lost on it."""
    breaker = Breaker(MINUTE)
    for n in range(10):
        assert breaker.record_run(error, 60.0 * n) is None
        assert breaker.lets_run(60.0 * (n + 1))


def test_an_interval_above_the_longest_rest_stays() -> None:
    """A run an hour is a run an hour, however often it fails."""
    breaker = Breaker(timedelta(hours=1))
    rests = [breaker.record_run(SourceError("away"), 3600.0 * n) for n in range(100)]
    assert {rest for rest in rests if rest} == {timedelta(hours=1)}
    assert breaker.lets_run(3600.0 * 100)
