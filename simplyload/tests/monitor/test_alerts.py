"""Alerts: when they are sent, and what a webhook that fails does."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from simplyload.cli import main
from simplyload.engine import RunResult
from simplyload.errors import SourceError
from simplyload.monitor.alerts import LINES, Alerts, describe_changes
from simplyload.monitor.settings import AlertSettings
from simplyload.monitor.status import Status
from simplyload.store import LocalStore
from tests.monitor.conftest import Shop, Webhook, wait_until

Opened = Callable[..., Alerts]


@pytest.fixture
def status(tmp_path: Path) -> Status:
    """Give the status of a stream."""
    return Status(["shop"], LocalStore(tmp_path / "log"))


@pytest.fixture
def warnings() -> list[str]:
    """Give the warnings that alerts show."""
    return []


@pytest.fixture
def open_alerts(status: Status, warnings: list[str]) -> Opened:
    """Give what opens alerts about the status."""

    def create_alerts(address: str, **settings: Any) -> Alerts:
        chosen = AlertSettings(webhook=SecretStr(address), **settings)
        return Alerts(chosen, status, lambda _, message: warnings.append(message))

    return create_alerts


def test_a_lag_beyond_its_limit_is_told_while_a_run_hangs(
    status: Status, webhook: Webhook, open_alerts: Opened
) -> None:
    """No run ends, and the message comes; a complete run ends it."""
    with closing(open_alerts(webhook.address, max_lag=timedelta(seconds=0.5))):
        texts = webhook.wait_for(1)
        assert texts == [
            "simplyload: stream shop: the destination is more than 0:00:00.500000 behind"
        ]
        time.sleep(0.5)
        status.end(RunResult(stream="shop"), lag_seconds=-3600)
        assert webhook.wait_for(2)[1:] == [
            "simplyload: resolved: stream shop: the destination is near its source again"
        ]


def test_a_stream_that_has_come_to_a_stop_is_told_without_a_limit(
    status: Status, webhook: Webhook, open_alerts: Opened
) -> None:
    """A day and a half without a complete run is a problem by default; a daily run is none."""
    status.end(RunResult(stream="shop"), lag_seconds=25 * 3600)
    with closing(open_alerts(webhook.address)):
        pass
    assert webhook.texts == []
    status.end(RunResult(stream="shop"), lag_seconds=37 * 3600)
    with closing(open_alerts(webhook.address)):
        pass
    assert webhook.texts == [
        "simplyload: stream shop: the destination is more than 1 day, 12:00:00 behind"
    ]


def test_a_message_that_fails_is_warned_of_and_sent_again(
    status: Status, webhook: Webhook, warnings: list[str], open_alerts: Opened
) -> None:
    """The webhook answers 500, then 302: two warnings without the address, then one message."""
    webhook.codes = [500, 302]
    with closing(open_alerts(webhook.address, max_lag=timedelta(hours=1))) as alerts:
        alerts._wait = 0.05  # noqa: SLF001 - not half a minute
        status.fail("shop", SourceError("<!channel> & more"))
        for _ in range(3):
            alerts.wake()
            time.sleep(0.2)
    assert webhook.texts == ["simplyload: stream shop: the run failed: &lt;!channel&gt; &amp; more"]
    assert [warning.rpartition(": ")[2] for warning in warnings] == [
        "the webhook answers 500",
        "the webhook answers 302",
    ]
    assert status.snapshot()["shop"].reported.keys() == {"failed"}


def test_a_webhook_that_nothing_answers_is_named_without_its_address(
    status: Status, warnings: list[str], open_alerts: Opened
) -> None:
    """The library's error has the address: the warning has its kind alone."""
    with closing(open_alerts("http://127.0.0.1:9/services/canary")) as alerts:
        status.fail("shop", SourceError("away"))
        alerts.wake()
    wait_until(lambda: warnings, "a warning")
    assert "the webhook is not reached (ConnectionError)" in warnings[0]
    assert not any("canary" in warning for warning in warnings)


def test_what_was_told_is_known_to_the_next_process(
    status: Status, webhook: Webhook, open_alerts: Opened, tmp_path: Path
) -> None:
    """A second process does not repeat it, also not before its first run; then it is resolved."""
    status.fail("shop", SourceError("away"))
    with closing(open_alerts(webhook.address)):
        pass
    second = Status(["shop"], LocalStore(tmp_path / "log"))
    settings = AlertSettings(webhook=SecretStr(webhook.address))
    with closing(Alerts(settings, second, lambda *_: None)):
        pass
    assert len(webhook.texts) == 1
    second.end(RunResult(stream="shop"), lag_seconds=0)
    with closing(Alerts(settings, second, lambda *_: None)):
        pass
    assert webhook.texts[1:] == ["simplyload: resolved: stream shop: a run is complete again"]


def test_another_reason_is_no_change_and_many_lines_are_cut() -> None:
    """A problem is one message whatever its words become; two hundred tables are one message."""
    assert describe_changes("shop", {"failed": "a"}, {"failed": "b"}) == []
    many = {f"stopped t{n}": f"table t{n} is stopped" for n in range(200)}
    lines = describe_changes("shop", {}, many)
    assert len(lines) == LINES + 1
    assert lines[-1] == "simplyload: 180 more"


@pytest.mark.parametrize(
    ("section", "setting", "says"),
    [
        ("alerts", {"webhook": "canary-address"}, "alerts.webhook: it is no address"),
        (
            "alerts",
            {"webhok": "x"},
            "alerts.webhok is no setting: remove it; did you mean webhook?",
        ),
        ("alerts", {"max_lag": "-PT1S"}, "alerts.max_lag: "),
        ("metrics", {"textfile": "a.txt"}, "metrics.textfile: node_exporter reads files that end"),
        ("metrics", {"prot": 1}, "metrics.prot is no setting: remove it; did you mean port?"),
        ("metrics", {"port": 0}, "metrics.port: "),
    ],
)
def test_r35_a_wrong_setting_is_named(
    shop: Shop, capsys: pytest.CaptureFixture[str], section: str, setting: Any, says: str
) -> None:
    """The error has the key and the remedy, and never the address."""
    shop.configure(**{section: setting})
    assert main(["sync"]) == 2
    shown = capsys.readouterr().err
    assert says in shown
    assert "canary" not in shown


def test_r33_config_masks_the_address(
    shop: Shop, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    """`config` shows that there is a webhook, and not where."""
    shop.configure(alerts={"webhook": webhook.address, "max_lag": "PT30M"})
    assert main(["config"]) == 0
    shown = capsys.readouterr().out
    assert "webhook: '**********'" in shown
    assert "max_lag: PT30M" in shown
    assert webhook.address not in shown
