"""The table of faults is whole: each has a test, or a reason why it has none."""

import pytest

from tests.faults import DOCUMENT, FAULTS, UNTESTED, find_tests


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_test_or_a_reason(fault: str) -> None:
    """A fault that the table lists is in the name of a test; otherwise a reason is written."""
    tested = any(fault in test.ids and not test.is_of_rival for test in find_tests())
    assert tested != (fault in UNTESTED)


def test_every_test_that_names_a_fault_names_one_of_the_table() -> None:
    """No test claims a fault that the table does not have, and each states its promise."""
    for test in find_tests():
        assert set(test.ids) <= FAULTS.keys(), test.name
        assert test.promise.endswith("."), test.name


def test_the_document_lists_every_fault() -> None:
    """docs/faults.md has a row for each fault; `make load-chaos` writes it."""
    document = DOCUMENT.read_text()
    assert [fault for fault in FAULTS if f"\n| {fault} |" not in document] == []
    rows = document[document.index("\n| id |") :].splitlines()
    assert [row for row in rows if row.startswith("|") and not row.endswith("|")] == []
