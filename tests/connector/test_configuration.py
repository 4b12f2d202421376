"""A setting that cannot work is refused by name, in one line, before any request."""

from datetime import date

import configuration
import pytest
import streams
import sync
from account import no_metric
from api import ConfigurationError
from pytest_httpserver import HTTPServer

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


class TestRefused:
    """X5: what cannot work."""

    @pytest.mark.parametrize(
        ("key", "value"), MALFORMED, ids=[f"{k}={v[:30]!r}" for k, v in MALFORMED]
    )
    def test_a_malformed_value_is_refused_by_name(self, key: str, value: str) -> None:
        """The error is one line that names the key."""
        with pytest.raises(ConfigurationError, match=key) as refusal:
            configuration.read({"api_key": KEY, key: value})
        assert "\n" not in str(refusal.value)

    @pytest.mark.parametrize(("key", "value"), SECRETS)
    def test_a_secret_in_any_field_is_not_repeated(self, key: str, value: str) -> None:
        """A key pasted into the wrong field must not end up in a log."""
        with pytest.raises(ConfigurationError, match=key) as refusal:
            configuration.read({"api_key": KEY, key: value})
        assert value[:12] not in str(refusal.value)

    def test_a_secret_in_place_of_a_name_is_not_repeated(self) -> None:
        """Nor one that was taken for a setting's name, or for a metric's."""
        with pytest.raises(ConfigurationError, match="unknown configuration key") as refusal:
            configuration.read({"api_key": KEY, KEY: "x"})
        assert KEY[:12] not in str(refusal.value)
        assert KEY[:12] not in str(no_metric("event_metrics", KEY))
        assert "'Placed Order'" in str(no_metric("event_metrics", "Placed Order"))

    @pytest.mark.parametrize("key", ["base_url", "apikey", "API_KEY", ""])
    def test_an_unknown_key_is_refused(self, key: str) -> None:
        """A misspelt setting is never ignored; the error names it and the known ones."""
        with pytest.raises(ConfigurationError, match=f"'{key}'.*api_key.*concurrency") as refusal:
            configuration.read({"api_key": KEY, key: "some value"})
        assert "some value" not in str(refusal.value)

    @pytest.mark.parametrize("value", [None, 8, True, ["pk_"], {}])
    def test_a_value_that_is_no_text_is_refused(self, value: object) -> None:
        """Fivetran's configuration is all strings."""
        with pytest.raises(ConfigurationError, match="concurrency"):
            configuration.read({"api_key": KEY, "concurrency": value})

    def test_a_missing_key_is_refused(self) -> None:
        """Nothing works without an API key."""
        with pytest.raises(ConfigurationError, match="api_key"):
            configuration.read({})

    def test_it_is_refused_before_any_request(
        self, httpserver_ipv4: HTTPServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A sync with a bad setting makes no connection and yields nothing."""
        monkeypatch.setenv("KLAVIYO_BASE_URL", httpserver_ipv4.url_for("").rstrip("/"))
        with pytest.raises(ConfigurationError, match="start_date"):
            next(sync.sync({"api_key": KEY, "start_date": "soon"}, {}))
        assert httpserver_ipv4.log == []


class TestRead:
    """What the user chose."""

    def test_defaults(self) -> None:
        """A key alone is enough: the set `reporting`, all history, eight threads."""
        read = configuration.read({"api_key": KEY, "start_date": "", "tables": " "})
        assert read == configuration.Configuration(
            (KEY,), None, frozenset(streams.REPORTING), (), (), 8
        )

    def test_every_value_is_read(self) -> None:
        """Lists are split at commas and trimmed, in order and once each."""
        read = configuration.read(
            {
                "api_key": f" {KEY} , pk_another-1 ,{KEY}",
                "start_date": " 2024-02-29 ",
                "tables": "campaign, event",
                "conversion_metrics": "Placed Order, Refunded Order,Placed Order,",
                "event_metrics": "Opened Email",
                "concurrency": "32",
            }
        )
        assert read.api_keys == (KEY, "pk_another-1")
        assert read.start_date == date(2024, 2, 29)
        assert read.tables == {"campaign", "event", "account", "sync_report", "sync_error"}
        assert read.conversion_metrics == ("Placed Order", "Refunded Order")
        assert read.event_metrics == ("Opened Email",)
        assert read.concurrency == 32

    @pytest.mark.parametrize(
        ("chosen", "tables"),
        [
            ("reporting", set(streams.REPORTING)),
            ("all", set(streams.TABLES)),
            ("reporting,event", {*streams.REPORTING, "event"}),
        ],
    )
    def test_sets_of_tables_can_be_named(self, chosen: str, tables: set[str]) -> None:
        """`reporting` and `all` stand for their tables, alone or beside others."""
        assert configuration.read({"api_key": KEY, "tables": chosen}).tables == tables

    @pytest.mark.parametrize(
        ("chosen", "needed"),
        [
            ("list_profile", "list"),
            ("segment_profile", "segment"),
            ("predictive_analytics", "profile"),
        ],
    )
    def test_what_a_table_needs_comes_along(self, chosen: str, needed: str) -> None:
        """Members without their list, or predictions without their profile, would be of no use."""
        tables = configuration.read({"api_key": KEY, "tables": chosen}).tables
        assert tables == {chosen, needed, "account", "sync_report", "sync_error"}

    def test_every_key_has_a_field_in_the_setup_form(self) -> None:
        """The form and the reader know the same keys."""
        assert configuration.KEYS == (
            "api_key",
            "start_date",
            "tables",
            "conversion_metrics",
            "event_metrics",
            "concurrency",
        )
