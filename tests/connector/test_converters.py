"""Any JSON becomes a value that the warehouse can store, and none that it cannot."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from time import tzset
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tables.converters import (
    CONVERTERS,
    CUT,
    DIGITS,
    TEXT_LENGTH,
    format_utc,
    to_boolean,
    to_date,
    to_double,
    to_int64,
    to_json,
    to_json_column,
    to_local_date,
    to_string,
    to_utc_datetime,
)
from tests.connector.json_strategies import JSON, is_storable

NEW_YORK = ZoneInfo("America/New_York")


def nested_list(depth: int) -> Any:
    """A list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: dict[str, Any] = {
    "a number of 5,000 digits": 10**4_999,
    "a negative number of 5,000 digits": -(10**4_999),
    "5,000 digits as text": "9" * 5_000,
    "500 levels": nested_list(500),
    "100,000 levels": nested_list(100_000),
    "a long number in a document": {"long": 10**4_999},
}
LIKE_A_TIME = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?"


def unstorable_types(value: Any) -> list[str]:
    """The column types whose converter makes an unstorable value of this one."""
    return [kind for kind, convert in CONVERTERS.items() if not is_storable(kind, convert(value))]


def mistakes(convert: Callable[[Any], Any], expected: list[tuple[Any, Any]]) -> list[Any]:
    """The values that are converted to something else than expected, with what they become."""
    return [
        (value, converted)
        for value, stored in expected
        if (converted := convert(value)) != stored or type(converted) is not type(stored)
    ]


class TestEveryType:
    """Every converter is total."""

    @given(JSON)
    def test_any_json_becomes_a_storable_value(self, value: Any) -> None:
        """Whatever Klaviyo sends, a column of any type gets a value of its type or NULL."""
        assert unstorable_types(value) == []

    def test_hostile_json_becomes_a_storable_value(self) -> None:
        """Numbers too long to print and nesting too deep for recursion raise nothing."""
        assert {name: kinds for name in HOSTILE if (kinds := unstorable_types(HOSTILE[name]))} == {}

    @given(st.from_regex(LIKE_A_TIME, fullmatch=True))
    def test_text_like_a_time_becomes_a_storable_value(self, value: str) -> None:
        """Months, hours and zones that do not exist, years 0000 and 9999, raise nothing."""
        assert unstorable_types(value) == []


class TestTime:
    """Points in time, however Klaviyo writes them."""

    def test_each_known_form_is_normalised_to_utc(self) -> None:
        """Z or offset, T or space, any fraction, no zone or seconds: one form is stored."""
        expected = [
            ("2026-06-23T00:15:23Z", "2026-06-23T00:15:23.000000Z"),
            ("2026-06-23T00:15:23+00:00", "2026-06-23T00:15:23.000000Z"),
            ("2026-06-23T00:15:23+0000", "2026-06-23T00:15:23.000000Z"),
            ("2026-06-23T02:15:23+02:00", "2026-06-23T00:15:23.000000Z"),
            ("2026-06-22T19:45:23-04:30", "2026-06-23T00:15:23.000000Z"),
            ("2026-06-23 00:15:23.918411+00:00", "2026-06-23T00:15:23.918411Z"),
            ("2026-06-23 00:15:23.918411 +00:00", "2026-06-23T00:15:23.918411Z"),
            ("2026-06-23T00:15:23.918Z", "2026-06-23T00:15:23.918000Z"),
            ("2026-06-23T00:15:23.918411999Z", "2026-06-23T00:15:23.918411Z"),
            ("2026-06-23T00:15:23", "2026-06-23T00:15:23.000000Z"),
            ("2026-06-23T00:15Z", "2026-06-23T00:15:00.000000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z"),
            ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000Z"),
            ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00.000000Z"),
            ("2099-12-31T23:59:59Z", "2099-12-31T23:59:59.000000Z"),
        ]
        assert mistakes(to_utc_datetime, expected) == []

    def test_what_is_no_time_is_null(self) -> None:
        """A value that names no point in time is NULL, never a guess."""
        junk = [
            "", "junk", "2026-06-23", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "1750636523",
            "2026-06-23T25:00:00Z", "2026-06-23T00:15:23+99:00", "9999-12-31T23:59:59-01:00",
            "2026-06-23T00:15:23Z; drop table", "٢٠٢٦-06-23T00:15:23Z", 1750636523, None, True, {},
        ]  # fmt: skip
        assert mistakes(to_utc_datetime, [(value, None) for value in junk]) == []

    @given(st.datetimes(timezones=st.timezones()))
    def test_a_formatted_time_parses_to_the_same_instant(self, time: datetime) -> None:
        """What the connector writes it can read, to the microsecond, in every zone."""
        try:
            formatted = format_utc(time)
        except OverflowError:  # years 1 and 9999 have instants that UTC cannot name
            return
        assert formatted == to_utc_datetime(formatted)
        assert time.astimezone(UTC) == datetime.fromisoformat(formatted)

    def test_times_are_utc_on_a_machine_in_any_zone(self) -> None:
        """The zone of the machine that runs a sync is in no stored time."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", "Asia/Kolkata")
            tzset()
            stored = to_utc_datetime("2026-11-02T10:00:00.123456+01:00")
        tzset()
        assert stored == "2026-11-02T09:00:00.123456Z"


class TestDate:
    """Calendar days."""

    def test_a_date_is_the_one_klaviyo_wrote(self) -> None:
        """The date at the start of the text, never moved by a zone; junk is NULL."""
        expected = [
            ("2026-06-23", "2026-06-23"),
            ("2026-06-23T23:59:59-10:00", "2026-06-23"),
            ("2026-02-30", None),
            ("today", None),
            (20260623, None),
            (None, None),
        ]
        assert mistakes(to_date, expected) == []

    def test_a_date_of_a_series_is_the_accounts_own(self) -> None:
        """Midnight as written or as an instant both name the account's calendar day."""
        expected = [
            ("2026-06-23T00:00:00+00:00", "2026-06-23"),  # midnight as written
            ("2026-06-23T00:00:00-04:00", "2026-06-23"),
            ("2026-06-23T04:00:00+00:00", "2026-06-23"),  # midnight in New York as an instant
            ("2026-06-23T03:59:59+00:00", "2026-06-22"),
            ("2026-06-23", "2026-06-23"),
            (None, None),
        ]
        assert mistakes(lambda value: to_local_date(value, NEW_YORK), expected) == []


class TestNumber:
    """Numbers."""

    def test_a_whole_number_is_exact_or_null(self) -> None:
        """A LONG column holds the very number that was sent, or NULL where it cannot."""
        expected: list[tuple[Any, Any]] = [
            (0, 0),
            (-0.0, 0),
            (3.0, 3),
            ("42", 42),
            (2**53 + 1, 2**53 + 1),
            ("9007199254740993", 2**53 + 1),
            (2**63 - 1, 2**63 - 1),
            (-(2**63), -(2**63)),
            *(
                (value, None)
                for value in (2**63, "9223372036854775808", 2**70, 3.5, "3.5", "1_000")
            ),
            *((value, None) for value in (math.nan, math.inf, "", "t", True, None, [1])),
        ]
        assert mistakes(to_int64, expected) == []

    def test_money_is_kept_to_the_cent_or_null(self) -> None:
        """Amounts are kept as sent, text or number; what is no finite number is NULL."""
        junk: list[Any] = [
            "1e400", 10**400, math.nan, -math.inf, "NaN", "Infinity", "1_000.5", "12 USD",
            False, {},
        ]  # fmt: skip
        expected: list[tuple[Any, Any]] = [
            (1234567.89, 1234567.89),
            ("1234567.89", 1234567.89),
            (0.1, 0.1),
            (99999999999999.98, 99999999999999.98),
            (5, 5.0),
            ("-12.50", -12.5),
            *((value, None) for value in junk),
        ]
        assert mistakes(to_double, expected) == []

    def test_truth_is_never_guessed(self) -> None:
        """Only true and false are BOOLEAN; text and numbers that look like it are NULL."""
        junk = ["true", "t", "1", 1, 0, "", None, []]
        expected = [(True, True), (False, False), *((value, None) for value in junk)]
        assert mistakes(to_boolean, expected) == []


class TestText:
    """Text."""

    def test_text_is_kept_as_it_is(self) -> None:
        """Only NUL and lone surrogates are replaced; a container is no text."""
        expected = [
            ("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום"),
            ("a\0b", "a\ufffdb"),
            ("a\ud800b", "a\ufffdb"),
            ("007", "007"),
            ("t", "t"),
            ("NaN", "NaN"),
            ("", ""),
            (7, "7"),
            (2**70, str(2**70)),
            (1.5, "1.5"),
            (True, "true"),
            (None, None),
            ({"a": 1}, None),
            (["a"], None),
        ]
        assert mistakes(to_string, expected) == []

    def test_a_long_text_is_kept_whole(self) -> None:
        """A name of a megabyte is not cut."""
        assert to_string("ä" * 2**20) == "ä" * 2**20

    def test_a_text_beyond_klaviyos_limit_is_cut_and_says_so(self) -> None:
        """The row is kept, in a JSON column too; cutting it once is enough."""
        cut = to_string("ä" * 17_000_000)
        assert cut is not None
        assert len(cut) == TEXT_LENGTH
        assert cut.endswith(CUT)
        assert to_string(cut) == cut
        assert to_json_column({"a": "ä" * 17_000_000, "b": 1}) == {"a": cut, "b": 1}

    @pytest.mark.parametrize("sign", ["", "-", " "])
    def test_a_text_of_thousands_of_digits_is_cut(self, sign: str) -> None:
        """The loader would take it for a number and fail to parse it, in every sync."""
        cut = to_string(sign + "7" * 5_000)
        assert cut is not None
        assert cut.endswith("777" + CUT)
        assert to_string(cut) == cut
        assert to_string("7" * DIGITS) == "7" * DIGITS


class TestJsonColumn:
    """Open-ended properties."""

    def test_only_what_json_cannot_hold_is_changed(self) -> None:
        """NaN and Infinity become null, NUL and surrogates a sign, long numbers text."""
        document = {"a\0": [math.nan, math.inf, 2**63, 1.5, True, None], "b": {"\ud800": "x\0"}}
        stored = {"a\ufffd": [None, None, str(2**63), 1.5, True, None], "b": {"\ufffd": "x\ufffd"}}
        assert stored == to_json_column(document)

    def test_32_levels_are_kept(self) -> None:
        """Three times what Klaviyo allows is kept; a list or object within it is null."""
        document = nested_list(40)
        expected: Any = None
        for _ in range(32):
            expected = [expected]
        assert to_json(document) == expected
        assert to_json({"a": document})["a"] == expected[0]

    @given(JSON.filter(lambda value: isinstance(value, dict | list)))
    def test_a_clean_document_is_not_changed(self, value: Any) -> None:
        """Cleaning is idempotent."""
        once = to_json_column(value)
        assert once == to_json_column(once)

    def test_a_json_column_holds_containers_only(self) -> None:
        """Text is not stored in JSON columns: the loader would encode it a second time."""
        scalars: list[Any] = ['{"a": 1}', "text", 1, True, None]
        assert mistakes(to_json_column, [(value, None) for value in scalars]) == []
