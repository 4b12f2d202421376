"""The kit finds the fault of a source that has one."""

import random
import threading
from typing import Any

import pytest

from simplyload.testing.server import serve
from tests.kit.fake_desk import DeskHandler, FakeDesk
from tests.kit.test_desk import TestDesk as DeskKit

FAULTS = {
    "Hasty": "test_a_kill_after_any_batch_loses_nothing",
    "Leaky": "test_a_failure_in_the_middle_loses_nothing",
    "Crashing": "test_a_failure_in_the_middle_loses_nothing",
    "Blind": "test_a_first_read_and_later_ones_give_every_row",
    "Restless": "test_a_read_without_changes_gives_none",
    "Forgetful": "test_all_is_read_again_with_higher_numbers",
    "Rigid": "test_a_column_that_appears_is_filled",
    "Dropping": "test_a_value_of_another_type_is_rejected_alone",
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_kit_finds_a_fault(name: str) -> None:
    """A source with one fault fails the row that is about it, and the example passes it."""

    class Kit(DeskKit):
        def settings(self, system: FakeDesk) -> dict[str, Any]:
            return {**super().settings(system), "type": f"tests.kit.faulty:{name}"}

    with pytest.raises((AssertionError, LookupError)):
        run_row(Kit(), FAULTS[name])
    run_row(DeskKit(), FAULTS[name])


def test_a_fake_ends_with_a_test_that_fails() -> None:
    """No thread of its server is left, whatever ends the block."""
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), serve(FakeDesk(), DeskHandler):
        raise ZeroDivisionError
    assert set(threading.enumerate()) <= before


def run_row(kit: DeskKit, row: str) -> None:
    """Run one row, as pytest does."""
    named: dict[str, Any] = {"chooser": random.Random(2), "after": 1}
    with kit.start() as system:
        kit.change_some(system, random.Random(1), kit.begin)
        test = getattr(kit, row)
        names = test.__code__.co_varnames[1 : test.__code__.co_argcount]
        test(**{name: named.get(name, system) for name in names})
