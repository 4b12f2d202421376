"""A setting that cannot work is refused by name, in one line, before any request."""

from datetime import date

import pytest
from pytest_httpserver import HTTPServer

import configuration
import sync
from api import ConfigurationError
from configuration import Configuration, parse_configuration, quote
from streams import REPORTING, TABLES

KEY = "pk_0123456789abcdef"

MALFORMED = [
    ("api_key", ""),
    ("api_key", "  "),
    ("api_key", ","),
    ("api_key", "0123456789abcdef"),
    ("api_key", f"Bearer {KEY}"),
    ("api_key", f"{KEY} {KEY}"),
    ("api_key", f"{KEY}\r\nX-Injected: yes"),
    ("api_key", f"{KEY}\n"),
    ("api_key", f"{KEY},pkwrong"),
    ("api_key", "pk_0123456789ä"),
    ("api_key", "pk_" + "x" * 1_000),
    ("start_date", "yesterday"),
    ("start_date", "2024-02-30"),
    ("reread_events_from", "last week"),
    ("start_date", "2024-1-1"),
    ("start_date", "20240101"),
    ("start_date", "1969-12-31"),
    ("start_date", "2024-01-01T00:00:00Z"),
    ("start_date", "2024-01-01),equals(id,1"),
    ("tables", "campaigns"),
    ("tables", "campaign;flow"),
    ("concurrency", "0"),
    ("concurrency", "33"),
    ("concurrency", "-1"),
    ("concurrency", "2.5"),
    ("concurrency", "many"),
    ("concurrency", "²"),
    ("concurrency", "9" * 5_000),
]
SECRETS = [("api_key", "sk-hunter2,hunter3"), ("start_date", KEY), ("tables", KEY)]


def refusal(configuration: dict[str, object]) -> str:
    """The error that a configuration is refused with; empty where it is accepted."""
    try:
        parse_configuration(configuration)
    except ConfigurationError as error:
        return str(error)
    return ""


class TestRefused:
    """Values that cannot work."""

    def test_a_malformed_value_is_refused_by_name(self) -> None:
        """The error is one line that names the key of the configuration."""
        errors = [(key, value, refusal({"api_key": KEY, key: value})) for key, value in MALFORMED]
        offenders = [
            (k, v[:30], error) for k, v, error in errors if k not in error or "\n" in error
        ]
        assert offenders == []

    @pytest.mark.parametrize(("key", "value"), SECRETS)
    def test_a_secret_in_any_field_is_not_repeated(self, key: str, value: str) -> None:
        """An API key in the wrong field does not reach a log."""
        error = refusal({"api_key": KEY, key: value})
        assert key in error
        assert value[:12] not in error

    def test_a_secret_in_place_of_a_name_is_not_repeated(self) -> None:
        """An API key in place of a setting's name is masked, other names are repeated."""
        error = refusal({"api_key": KEY, KEY: "x"})
        assert "unknown configuration key '***'" in error
        assert quote(KEY) == "'***'"
        assert quote("Placed Order") == "'Placed Order'"

    def test_an_unknown_key_is_refused(self) -> None:
        """A misspelt setting is never ignored; the error names it and the known ones."""
        for key in ("base_url", "apikey", "API_KEY", ""):
            error = refusal({"api_key": KEY, key: "some value"})
            assert f"unknown configuration key {key!r}" in error
            assert ", ".join(configuration.KEYS) in error
            assert "some value" not in error

    def test_a_value_that_is_no_text_is_refused(self) -> None:
        """Fivetran's configuration is all strings."""
        values: list[object] = [None, 8, True, ["pk_"], {}]
        errors = [refusal({"api_key": KEY, "concurrency": value}) for value in values]
        assert set(errors) == {"concurrency must be text: Fivetran configuration is all strings"}

    def test_a_missing_key_is_refused(self) -> None:
        """Nothing works without an API key."""
        assert "api_key is empty" in refusal({})

    def test_it_is_refused_before_any_request(self, server: HTTPServer) -> None:
        """A sync with a bad setting makes no connection and yields no operation."""
        with pytest.raises(ConfigurationError, match="start_date"):
            next(sync.sync({"api_key": KEY, "start_date": "soon"}, {}))
        assert server.log == []


class TestParsed:
    """What the user chose."""

    def test_defaults(self) -> None:
        """An API key alone is enough: the set `reporting`, all history, eight threads."""
        parsed = parse_configuration({"api_key": KEY, "start_date": "", "tables": " "})
        assert parsed == Configuration((KEY,), None, frozenset(REPORTING), (), (), 8)

    def test_every_value_is_parsed(self) -> None:
        """Lists are split at commas and trimmed, in order; of keys and tables each counts once."""
        parsed = parse_configuration(
            {
                "api_key": f" {KEY} , pk_another-1 ,{KEY}",
                "start_date": " 2024-02-29 ",
                "tables": "campaign, event",
                "conversion_metrics": "Placed Order, Refunded Order,Placed Order,",
                "event_metrics": "Opened Email",
                "concurrency": "32",
                "reread_events_from": "2026-01-31",
            }
        )
        assert parsed.api_keys == (KEY, "pk_another-1")
        assert parsed.start_date == date(2024, 2, 29)
        assert parsed.tables == {"campaign", "event", "account", "sync_report", "sync_error"}
        assert parsed.conversion_metrics == ("Placed Order", "Refunded Order", "Placed Order")
        assert parsed.event_metrics == ("Opened Email",)
        assert parsed.concurrency == 32
        assert parsed.reread_events_from == date(2026, 1, 31)

    def test_sets_of_tables_can_be_named(self) -> None:
        """Each set names its tables and those that they require, alone or beside others."""
        always = {"account", "sync_report", "sync_error"}
        for chosen, tables in {
            "reporting": {*REPORTING},
            "all": {*TABLES},
            "reporting,event": {*REPORTING, "event"},
            "catalog": always
            | {"coupon", "coupon_code", "review"}
            | {"catalog_item", "catalog_variant", "catalog_category", "catalog_category_item"},
            "people": always
            | {"profile", "profile_suppression", "push_token"}
            | {"list", "list_profile", "segment", "segment_profile"},
        }.items():
            assert parse_configuration({"api_key": KEY, "tables": chosen}).tables == tables

    def test_a_required_table_is_synced_too(self) -> None:
        """Members without their list, or predictions without their profile, are of no use."""
        for chosen, required in {
            "list_profile": "list",
            "segment_profile": "segment",
            "predictive_analytics": "profile",
        }.items():
            tables = parse_configuration({"api_key": KEY, "tables": chosen}).tables
            assert tables == {chosen, required, "account", "sync_report", "sync_error"}

    def test_every_key_has_a_field_in_the_setup_form(self) -> None:
        """The form and the parser know the same keys."""
        assert configuration.KEYS == (
            "api_key",
            "start_date",
            "tables",
            "conversion_metrics",
            "event_metrics",
            "reread_events_from",
            "concurrency",
        )

    def test_an_api_key_is_masked_in_tracebacks(self) -> None:
        """Crash reports print variables; the configuration shows no key."""
        assert KEY not in repr(parse_configuration({"api_key": KEY}))
