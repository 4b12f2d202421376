"""`/metrics` and `/healthz` of a process that stays, and the file of metrics of one that ends."""

import re
import signal
import socket
import time
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families

from simplyload.cli import main
from simplyload.engine import Event, RunResult
from simplyload.errors import AlreadyRunningError, SimplyLoadError, SourceError
from simplyload.monitor.metrics import Textfile, count, gauge
from simplyload.monitor.status import Status
from simplyload.store import LocalStore
from tests.monitor.conftest import Shop, Webhook, wait_until

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
REST = ("simplyload_next_try_timestamp_seconds",)
Samples = dict[tuple[str, ...], float]


def read(text: str) -> Samples:
    """Read the text format; give the values by name and labels, without the label `stream`."""
    return {
        (sample.name, *(value for name, value in sample.labels.items() if name != "stream")): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.slow
def test_a_scrape_has_what_the_runs_did(shop: Shop) -> None:
    """Rows, bytes, seconds by step and lag are there for Prometheus; the password is nowhere."""
    shop.execute("drop table no_key; create table quiet (id int primary key)")
    shop.configure(metrics={"port": shop.port, "textfile": "shop.prom"})
    wanted = 'table_last_success_timestamp_seconds{stream="shop",table="quiet"}'
    with shop.run_sync() as process:
        shop.health(200)
        wait_until(lambda: wanted in shop.get("/metrics").text, "a complete run")
        answers = [shop.get("/metrics"), shop.get("/healthz")]
        opened = shop.get("/metrics", Accept=OPEN_METRICS)
        assert shop.get("/").status_code == 404
        assert shop.get("/livez").json() == {"alive": True}
        process.send_signal(signal.SIGTERM)
        assert process.wait().code == 0
    samples = read(answers[0].text)
    assert samples["simplyload_rows_total", "orders"] >= 7
    assert samples["simplyload_changes_total", "orders"] >= 7
    assert samples["simplyload_loads_total",] >= 1
    assert samples["simplyload_log_bytes_total",] > 100
    steps = ("read", "log", "stage", "merge")
    assert min(samples["simplyload_step_seconds_total", step] for step in steps) > 0
    assert 0 < samples["simplyload_lag_seconds",] < 20
    assert 0 < samples["simplyload_table_lag_seconds", "orders"] < 20
    assert time.time() - samples["simplyload_last_success_timestamp_seconds",] < 20
    assert samples["simplyload_consecutive_failures",] == 0
    assert opened.headers["Content-Type"].startswith(OPEN_METRICS.partition(";")[0])
    names = {family.name for family in read_open_metrics(opened.text)}  # type: ignore[no-untyped-call]
    assert {"simplyload_rows", "simplyload_lag_seconds", "process_cpu_seconds"} <= names
    password = shop.workspace.environment["SHOP_PASSWORD"]
    files = [file for file in shop.workspace.folder.rglob("*") if file.is_file()]
    assert {".status.json", "shop.prom"} <= {file.name for file in files}
    assert password not in shop.output + "".join(answer.text for answer in answers)
    assert not any(password.encode() in file.read_bytes() for file in files)


@pytest.mark.slow
def test_su4_healthz_and_alerts_say_what_is_wrong(shop: Shop, webhook: Webhook) -> None:
    """A stopped table and failed runs: 503 with the reason and one message, then the end of it."""
    shop.configure(metrics={"port": shop.port}, alerts={"webhook": "${WEBHOOK}"})
    shop.workspace.environment["WEBHOOK"] = webhook.address
    with shop.run_sync():
        [reason] = shop.health(503)["reasons"]
        assert reason.startswith("stream shop: table no_key is stopped: public.no_key has no")
        assert webhook.wait_for(1) == [f"simplyload: {reason}"]
        shop.wait_for_runs(2)
        shop.execute("alter table no_key add primary key (id)")
        well = shop.health(200)
        assert (well["reasons"], well["log"]["writable"]) == ([], True)
        assert set(well["streams"]["shop"]["tables"]) == {"orders", "no_key"}
        assert webhook.wait_for(2)[1:] == [
            "simplyload: resolved: stream shop: table no_key goes on"
        ]
        shop.disconnect()
        failing = shop.health(503)["streams"]["shop"]
        assert shop.get("/livez").status_code == 200
        assert (failing["source"], failing["destination"]) == (failing["failure"], "ok")
        assert failing["tables"]["orders"]["last_success"] == failing["last_success"]
        assert webhook.wait_for(3)[2].startswith("simplyload: stream shop: the run failed: ")
        errors = ("simplyload_errors_total", "source")
        wait_until(lambda: read(shop.get("/metrics").text)[errors] > 2, "runs that fail")
        wait_until(lambda: REST in read(shop.get("/metrics").text), "the time of the next try")
        shop.connect()
        again = shop.health(200)["streams"]["shop"]
        assert (again["consecutive_failures"], again["next_try"]) == (0, None)
        assert REST not in read(shop.get("/metrics").text)
        webhook.wait_for(4)
    assert len(webhook.texts) == 4, webhook.texts
    assert webhook.refused == 0
    assert webhook.address not in shop.output


def test_a_port_that_is_taken_is_named(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 2, the setting and the remedy; nothing is loaded."""
    shop.configure(metrics={"port": shop.port})
    with socket.create_server(("127.0.0.1", shop.port)):
        assert main(["sync", "--every", "1s"]) == 2
    shown = capsys.readouterr().err
    assert f"metrics: 127.0.0.1:{shop.port} cannot be served" in shown
    assert "choose another" in shown
    assert not (shop.workspace.folder / "log").exists()


def test_runs_that_end_leave_a_file_whose_counters_go_on(shop: Shop, webhook: Webhook) -> None:
    """Runs by cron add to the file of metrics, which others may read; a problem is one message."""
    metrics, path = {"textfile": "shop.prom"}, Path(shop.workspace.folder, "shop.prom")
    shop.configure(metrics=metrics, alerts={"webhook": webhook.address})
    assert main(["sync"]) == 1
    first = read(path.read_text())
    assert first["simplyload_rows_total", "orders"] == 7
    assert first["simplyload_table_stopped", "no_key"] == 1
    assert main(["sync"]) == 1
    assert [text for text in webhook.texts if "no_key is stopped" not in text] == []
    assert len(webhook.texts) == 1
    shop.execute("drop table no_key")
    assert main(["sync"]) == 0
    last = read(path.read_text())
    assert last["simplyload_rows_total", "orders"] == 21  # mode copy reads all again
    assert last["simplyload_loads_total",] > first["simplyload_loads_total",]
    assert ("simplyload_table_stopped", "no_key") not in last
    assert path.stat().st_mode & 0o444 == 0o444
    assert not list(path.parent.glob("*.part"))
    assert webhook.texts[1:] == ["simplyload: resolved: stream shop: table no_key goes on"]
    assert_conventional(path.read_text())


def assert_conventional(text: str) -> None:
    """Assert Prometheus' conventions: help, prefix, base units; counters alone end in _total."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert len(kinds) > 10
    assert set(kinds) == set(re.findall(r"^# HELP (\S+) \S.*\.$", text, re.MULTILINE))
    for name, kind in kinds.items():
        assert re.fullmatch(r"simplyload_[a-z]+(_[a-z]+)*", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"(millis|minutes|_mb|_kb|megabytes)", name), name


def test_a_file_that_cannot_be_written_fails_no_run(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The load is done, and a warning says which setting is at fault."""
    shop.execute("drop table no_key")
    shop.configure(metrics={"textfile": "/proc/none/shop.prom"})
    assert main(["sync"]) == 0
    assert "metrics.textfile cannot be written" in capsys.readouterr().err


@pytest.fixture
def status(tmp_path: Path) -> Status:
    """Give the status of a stream."""
    return Status(["shop"], LocalStore(tmp_path / "log"))


def loaded_event(stream: str, rows: int) -> Event:
    """Give the event of rows that are loaded."""
    return Event(kind="loaded", stream=stream, table="orders", rows=rows)


def test_processes_share_a_file_of_metrics(tmp_path: Path) -> None:
    """Two processes write by turns; each counter is the sum; a stream no longer there is gone."""
    path, streams = tmp_path / "all.prom", ["shop", "crm"]
    both = [Status([name], LocalStore(tmp_path / "log")) for name in streams]
    files = [Textfile(path, streams, tracker) for tracker in both]
    for rows in (3, 4):
        for name, tracker, file in zip(streams, both, files, strict=True):
            tracker(loaded_event(name, rows))
            tracker.end(RunResult(stream=name), lag_seconds=1)
            file.write()
    text = path.read_text()
    assert 'simplyload_rows_total{stream="shop",table="orders"} 7.0' in text
    assert 'simplyload_rows_total{stream="crm",table="orders"} 7.0' in text
    assert text.count("simplyload_lag_seconds{") == 2
    Textfile(path, ["crm"], Status(["crm"], LocalStore(tmp_path / "log"))).write()
    assert "shop" not in path.read_text()
    assert 'simplyload_rows_total{stream="crm",table="orders"} 7.0' in path.read_text()


def test_a_file_that_is_no_metrics_is_replaced(tmp_path: Path, status: Status) -> None:
    """A file cut short by hand does not end the run; it is written again whole."""
    path = tmp_path / "shop.prom"
    path.write_text("simplyload_rows_total{stream=")
    status(loaded_event("shop", 3))
    Textfile(path, ["shop"], status).write()
    assert 'simplyload_rows_total{stream="shop",table="orders"} 3.0' in path.read_text()


def test_the_lag_grows_until_a_run_is_complete_and_over_a_restart(tmp_path: Path) -> None:
    """The lag counts from the begin of the last complete run, also of an earlier process."""
    first = Status(["shop"], LocalStore(tmp_path))
    first.end(RunResult(stream="shop"), lag_seconds=100)
    first.fail("shop", SourceError("away"))
    first.save("shop")
    stream = Status(["shop"], LocalStore(tmp_path)).snapshot()["shop"]
    assert 100 <= stream.lag(time.time()) < 110
    assert (stream.failures, stream.failure) == (1, "away")


def test_a_run_beside_another_one_is_no_failure(status: Status) -> None:
    """It is counted as an error, and the stream stays healthy: only its lag tells."""
    status.fail("shop", AlreadyRunningError("another run"))
    stream = status.snapshot()["shop"]
    assert stream.problems("shop", None, time.time()) == {}
    assert stream.counts["errors", "another_run"] == 1


def test_rejected_cells_count_each_though_few_are_shown(status: Status) -> None:
    """An event that stands for several cells adds their number."""
    for rows in (1, 295):
        status(Event(kind="rejected", stream="shop", table="orders", rows=rows))
    assert count(status.snapshot())["rejected_rows", "shop", "orders"] == 296


def test_a_counter_begins_at_zero(status: Status) -> None:
    """A first error, and a first rejected row of a known table, are an increase to Prometheus."""
    status.list_tables("shop", ["orders"])
    status.fail("shop", SourceError("away"))
    counted = count(status.snapshot())
    assert counted["rejected_rows", "shop", "orders"] == 0
    assert counted["loads", "shop", ""] == 0
    kinds: list[type[SimplyLoadError]] = [SimplyLoadError, *SimplyLoadError.__subclasses__()]
    counts = {kind.part: counted["errors", "shop", kind.part] for kind in kinds}
    assert counts.pop("source") == 1
    assert set(counts.values()) == {0}


def test_a_table_that_was_never_complete_lags_since_the_beginning(status: Status) -> None:
    """A table that is stopped from its first run on has a lag, which grows."""
    status.end(RunResult(stream="shop", stopped={"orders": "why"}), lag_seconds=1)
    status.list_tables("shop", ["orders"])
    snapshot = status.snapshot()
    assert snapshot["shop"].tables["orders"].last_success is None
    assert gauge(snapshot)["table_lag_seconds", "shop", "orders"] >= 0


def test_a_table_that_left_the_source_is_forgotten(status: Status) -> None:
    """Tables are those that the source lists; a stopped one has the time of its last success."""
    status.end(RunResult(stream="shop"), lag_seconds=50)
    status.list_tables("shop", ["old", "kept"])
    before = status.snapshot()["shop"].tables["kept"].last_success
    status.end(RunResult(stream="shop", stopped={"kept": "why"}), lag_seconds=0)
    status.list_tables("shop", ["kept"])
    tables = status.snapshot()["shop"].tables
    assert set(tables) == {"kept"}
    assert (tables["kept"].last_success, tables["kept"].stopped) == (before, "why")


def test_su3_the_number_of_series_does_not_grow_with_loads_and_errors(tmp_path: Path) -> None:
    """10,000 loads and 500 different errors of 300 tables have the series of the first of them."""
    tables = [f"table_{number}" for number in range(300)]
    status = Status(["shop"], LocalStore(tmp_path))
    status.list_tables("shop", tables)
    numbers = []
    for loads in (10, 10_000):
        for load in range(loads):
            table = tables[load % 300]
            status(Event(kind="loaded", stream="shop", table=table, rows=1, load_id=f"id{load}"))
            status.fail("shop", SourceError(f"error {load % 500}"))
        status.end(RunResult(stream="shop"), lag_seconds=1)
        snapshot = status.snapshot()
        numbers.append(len(count(snapshot) | gauge(snapshot)))
    assert numbers[0] == numbers[1]
