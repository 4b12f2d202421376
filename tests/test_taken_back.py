"""What Klaviyo takes back reaches the warehouse: deletions before a re-sync, erasures, merges."""

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

import streams
from api import AuthError, ContractError, TransientError
from streams.registry import ALWAYS_SYNCED, REFILLED
from tests import fivetran
from tests.fake_clock import FakeClock
from tests.loader import KilledError, Loader, Row, Tables
from tests.sandbox_server import KEY, REPOSITORY, Sandbox, run_sandbox
from tests.warehouse import raw

NOW = "2026-11-16T15:00:00+00:00"
SMALL: dict[str, Any] = {"campaigns": 4, "profiles": 40, "seed": 5, "now": NOW, "no_limits": True}
OTHER_KEY = "pk_other"
PEOPLE = "event,event_attribution,profile,profile_suppression,list_profile,segment_profile"
SINCE = "2026-06-01"  # a campaign and the events of months; a year takes seconds more
EVERYTHING = {"api_key": KEY, "tables": "all", "start_date": SINCE}
DAY = 86_400
DELETED = {"list": "/api/lists", "tag": "/api/tags", "flow": "/api/flows"}


def slow(*values: Any) -> Any:
    """A case of a parametrized test that `make chaos` runs."""
    return pytest.param(*values, marks=pytest.mark.chaos)


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Sandbox]:
    """Two small accounts whose state the tests share: see `sandbox`."""
    with (
        run_sandbox(**SMALL, api_key=[KEY, f"{OTHER_KEY}@6"]) as sandbox,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("session.Clock", FakeClock)
        yield sandbox


@pytest.fixture(scope="module", name="first_sync")
def _first_sync(server: Sandbox) -> Loader:
    server.reset()
    return Loader(server.url, EVERYTHING).sync()


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """The accounts as they were at first."""
    server.reset()
    server.clear_faults()
    return server


@pytest.fixture
def connection(first_sync: Loader, sandbox: Sandbox) -> Loader:  # noqa: ARG001 - reset
    """A connection of all tables, after its first sync."""
    return copy.deepcopy(first_sync)


def refilled_tables(loader: Loader) -> Tables:
    """The content of the tables that a first sync fills."""
    return {name: rows for name, rows in loader.content().items() if name in REFILLED}


def delete_some(sandbox: Sandbox) -> None:
    """Delete a list, a tag, a flow and a person in Klaviyo."""
    for kind, path in {**DELETED, "profile": "/api/profiles"}.items():
        sandbox.edit(kind, sandbox.all(path)[0]["id"], None)


@pytest.fixture(scope="module", name="after_deletions")
def _after_deletions(server: Sandbox) -> Tables:
    """The tables of a first sync after `delete_some`."""
    server.reset()
    delete_some(server)
    return refilled_tables(Loader(server.url, EVERYTHING).sync())


class TestReSync:
    """A full re-sync of a connection has no state."""

    def test_a_re_sync_deletes_what_klaviyo_no_longer_lists(
        self, sandbox: Sandbox, connection: Loader, after_deletions: Tables
    ) -> None:
        """Listed tables are as those of a first sync; rows that no listing can give back stay."""
        before = connection.content()
        delete_some(sandbox)
        connection.state = {}
        connection.sync()
        assert refilled_tables(connection) == after_deletions
        for name in before.keys() - {*REFILLED}:
            assert before[name].keys() <= connection.content()[name].keys(), name
        assert connection.content()["campaign_performance_daily"]

    @pytest.mark.slow
    @pytest.mark.parametrize("at", [slow("start"), slow("first rows"), "middle", slow("end")])
    def test_a_killed_re_sync_is_continued(
        self, sandbox: Sandbox, connection: Loader, after_deletions: Tables, at: str
    ) -> None:
        """Wherever it is killed, the sync after it ends with the tables of a first sync."""
        delete_some(sandbox)
        length = sum(connection.written.values())
        rows = {"start": 0, "first rows": len(REFILLED) + 1, "middle": length // 2}
        connection.state = {}
        with pytest.raises(KilledError):
            connection.sync(die_after=rows.get(at, length - 50))
        assert refilled_tables(connection.sync()) == after_deletions

    @pytest.mark.slow
    def test_an_account_that_is_added_truncates_nothing(self, connection: Loader) -> None:
        """A truncate would delete the rows of the other accounts of the connection."""
        before = refilled_tables(connection)
        connection.configuration = {**EVERYTHING, "api_key": f"{KEY},{OTHER_KEY}"}
        after = refilled_tables(connection.sync())
        for name, rows in before.items():
            assert rows.items() <= after[name].items(), name
        assert len({row["account_id"] for row in after["profile"].values()}) == 2

    @pytest.mark.slow
    def test_a_re_sync_removes_nothing_of_an_account_that_cannot_be_read(
        self, sandbox: Sandbox
    ) -> None:
        """While a key is rejected all rows stay; once it works, the re-sync is complete."""
        configuration = {"tables": f"list,flow_message,tag,template,{PEOPLE}"}
        both = configuration | {"api_key": f"{KEY},{OTHER_KEY}"}
        connection = Loader(sandbox.url, both).sync()
        before = refilled_tables(connection)
        delete_some(sandbox)
        connection.configuration = configuration | {"api_key": f"{KEY},pk_wrong"}
        connection.state = {}
        for _ in range(2):
            with pytest.raises(AuthError):
                connection.sync()
            for name, rows in refilled_tables(connection).items():
                assert before[name].keys() <= rows.keys(), name
        connection.configuration = both
        connection.sync()
        assert refilled_tables(connection) == refilled_tables(Loader(sandbox.url, both).sync())
        assert set(connection.sync().written) <= {"sync_report", "event", "event_attribution"}

    @pytest.mark.slow
    def test_an_account_without_a_key_starts_over_too(self, sandbox: Sandbox) -> None:
        """Truncates that waited take the rows of an account whose key is gone; it comes back whole.

        Three keys, one of them wrong: nothing is truncated. Then one key alone: it is truncated.
        """
        tables = {"tables": "list,flow_message,coupon_code,event,profile,list_profile"}
        both = tables | {"api_key": f"{KEY},{OTHER_KEY}"}
        connection = Loader(sandbox.url, tables | {"api_key": f"{KEY},{OTHER_KEY},pk_wrong"})
        with pytest.raises(AuthError):
            connection.sync()
        for configuration in (tables | {"api_key": KEY}, both):
            connection.configuration = configuration
            connection.sync()
        assert refilled_tables(connection) == refilled_tables(Loader(sandbox.url, both).sync())

    @pytest.mark.slow
    def test_a_table_is_truncated_when_it_is_chosen_again(
        self, sandbox: Sandbox, connection: Loader, after_deletions: Tables
    ) -> None:
        """A re-sync with fewer tables leaves the others as they are, until they are filled."""
        people = connection.content()["profile"]
        delete_some(sandbox)
        connection.configuration, connection.state = {**EVERYTHING, "tables": "list"}, {}
        assert connection.sync().content()["profile"] == people
        connection.configuration = EVERYTHING
        assert refilled_tables(connection.sync()) == after_deletions

    @pytest.mark.slow
    @pytest.mark.parametrize("fault", ["403scope", slow("503"), slow("404"), slow("filter400")])
    def test_a_table_that_cannot_be_read_keeps_its_rows(
        self, sandbox: Sandbox, connection: Loader, after_deletions: Tables, fault: str
    ) -> None:
        """A re-sync leaves tables whose listing is not answered until it is answered again.

        The others are refilled, also those of the same scope; the first sync that can read the rest
        refills that too.
        """
        lost = {
            "lists": "list",
            "reviews": "review",
            "coupon-codes": "coupon_code",
            "segments/.+/profiles": "segment_profile",
            "brand-logos": "brand",  # the second of its paths
        }
        before = refilled_tables(connection)
        delete_some(sandbox)
        for path in lost:
            sandbox.fault(fault, path=f"/api/{path}$")
        connection.state = {}
        with suppress(ContractError, TransientError):
            connection.sync()
        for table in (*lost.values(), "list_profile", "list_tag"):
            assert refilled_tables(connection)[table] == before[table], table
        for table in ("tag", "flow", "profile"):
            assert len(connection.rows(table)) == len(before[table]) - 1
        sandbox.clear_faults()
        connection.sync()
        assert refilled_tables(connection) == after_deletions

    @pytest.mark.slow
    def test_fivetran_marks_the_rows_as_deleted(
        self, sandbox: Sandbox, connector_project: Path
    ) -> None:
        """The real SDK truncates tables that have rows, and tables that do not exist yet."""
        configuration = {"api_key": KEY, "tables": "list,campaign_performance"}
        env = {"KLAVIYO_BASE_URL": sandbox.url}
        lists = Loader(sandbox.url, configuration).sync().rows("list")
        warehouse = fivetran.warehouse(connector_project)
        warehouse.parent.mkdir()
        raw.write(warehouse, {"list": lists}, ["list"])
        gone = lists[0]["id"]
        sandbox.edit("list", gone, None)
        done = fivetran.debug(connector_project, configuration, state={}, env=env)
        assert done.returncode == 0, done.stderr
        assert {row["id"] for row in fivetran.rows(done.warehouse, "list")} == {
            row["id"] for row in lists
        }
        assert deleted_ids(done, "list") == {gone}
        assert not deleted_ids(done, "campaign_performance", "campaign_id")

    def test_operations_says_what_a_re_sync_does_to_each_table(self) -> None:
        """The table in docs/operations.md has every raw table in the row of its kind."""
        text = (REPOSITORY / "docs" / "operations.md").read_text()
        section = text.partition("## What a re-sync does")[2].partition("\n## ")[0]
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        emptied, kept, added = (set(re.findall(r"`(\w+)`", names)) for names in rows)
        always = {table.name for table in ALWAYS_SYNCED}
        assert emptied == {*REFILLED}
        assert kept | added == streams.TABLES.keys() - emptied
        assert added == always - {"account"}


class TestPeople:
    """B2 and B3: the events of people who disappear."""

    @pytest.mark.parametrize(
        ("delay", "days"),
        [slow(3_600, [1]), (5 * DAY, [1, 1, 7]), slow(20 * DAY, [1, 30])],
    )
    def test_events_of_an_erased_person_are_redacted(
        self, sandbox: Sandbox, connection: Loader, delay: int, days: list[int]
    ) -> None:
        """However late Klaviyo redacts them within a month, the warehouse follows."""
        person = find_recipient(connection)
        assert personal_events(connection, person)
        count = len(events_of(connection, person))
        sandbox.erase(person["id"], after_seconds=delay)
        for pause in days:
            sandbox.advance(pause * DAY)
            connection.sync()
        assert not personal_events(connection, person)
        assert len(events_of(connection, person)) >= count
        assert person["id"] not in {row["id"] for row in connection.rows("profile")}
        assert_like_a_first_sync(sandbox, connection)

    def test_no_choice_of_metrics_keeps_an_erased_persons_address(
        self, sandbox: Sandbox, connection: Loader
    ) -> None:
        """Events of metrics that are no longer synced are redacted as well."""
        person = find_recipient(connection)
        narrowed = {"event_metrics": "Placed Order", "reread_events_from": "2026-01-01"}
        connection.configuration = EVERYTHING | narrowed
        connection.sync()
        sandbox.erase(person["id"])
        sandbox.advance(DAY)
        connection.sync()
        assert not personal_events(connection, person)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("delay", "days"), [slow(3_600, [1]), (5 * DAY, [1, 1, 7])], ids=["soon", "late"]
    )
    def test_events_of_a_merged_profile_come_under_the_survivor(
        self, sandbox: Sandbox, connection: Loader, delay: int, days: list[int]
    ) -> None:
        """They keep their ids and credits; those older than every lookback move too."""
        merged = find_recipient(connection)
        survivor = next(r["id"] for r in connection.rows("profile") if r["id"] != merged["id"])
        ids = {row["id"] for row in events_of(connection, merged)}
        sandbox.merge(merged["id"], survivor, after_seconds=delay)
        for pause in days:
            sandbox.advance(pause * DAY)
            connection.sync()
        assert not events_of(connection, merged)
        assert ids <= {
            row["id"] for row in connection.rows("event") if row["profile_id"] == survivor
        }
        assert_like_a_first_sync(sandbox, connection)

    def test_an_erased_persons_events_wait_for_a_table_of_events(
        self, sandbox: Sandbox, connection: Loader
    ) -> None:
        """While none is chosen, no event is requested; once one is again, they are redacted."""
        connection.configuration = {**EVERYTHING, "tables": "profile"}
        person = find_recipient(connection)
        sandbox.erase(person["id"])
        sandbox.advance(DAY)
        sandbox.reset_requests()
        connection.sync()
        assert not [entry for entry in sandbox.log() if entry["path"] == "/api/events"]
        assert personal_events(connection, person)
        connection.configuration = EVERYTHING
        connection.sync()
        assert not personal_events(connection, person)

    def test_what_klaviyo_no_longer_returns_can_be_purged(
        self, sandbox: Sandbox, connection: Loader, tmp_path: Path
    ) -> None:
        """The statements in SECURITY.md remove every trace of an erased person, and only that."""
        person, before = find_recipient(connection), copy.deepcopy(connection.tables)
        sandbox.erase(person["id"])
        for row in events_of(connection, person):
            sandbox.edit("event", row["id"], None)
        sandbox.advance(DAY)
        stored = mark_deleted(before, connection.sync())
        kept = {row["id"] for row in stored["event"] if row["profile_id"] != person["id"]}
        warehouse = raw.write(tmp_path / "raw.db", stored, PEOPLE.split(","))
        assert person["email"] in str(fivetran.rows(warehouse, "profile"))
        purge(warehouse)
        for table in PEOPLE.split(","):
            rows = fivetran.rows(warehouse, table)
            assert rows, table
            assert not [row for row in rows if person["id"] in row.values()], table
            assert person["email"] not in str(rows), table
        assert {row["id"] for row in fivetran.rows(warehouse, "event")} == kept


def mark_deleted(before: Tables, connection: Loader) -> dict[str, list[Row]]:
    """The rows as Fivetran has them after a sync: it marks what the sync deletes."""
    mark = {"_fivetran_deleted": True, "_fivetran_synced": "2026-11-17T15:00:00Z"}
    now = connection.tables
    return {
        table: connection.rows(table)
        + [row | mark for key, row in rows.items() if key not in now.get(table, {})]
        for table, rows in before.items()
    }


def purge(warehouse: Path) -> None:
    """Run the statements of SECURITY.md, the last block first, as it says."""
    text = (REPOSITORY / "SECURITY.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    statements = "".join(reversed(blocks)).replace("klaviyo.", f"{fivetran.SCHEMA}.")
    with duckdb.connect(str(warehouse)) as connection:
        for statement in statements.split(";")[:-1]:
            connection.execute(statement)


class TestZone:
    """After a change of the time zone, rows are deleted that results may have had."""

    @pytest.mark.chaos
    def test_fivetran_ignores_deletes_of_rows_that_were_never_written(
        self, sandbox: Sandbox, connector_project: Path
    ) -> None:
        """The rows that are left are those of a first sync in the new zone."""
        configuration = {"api_key": KEY, "tables": "form_daily"}
        env = {"KLAVIYO_BASE_URL": sandbox.url}
        assert fivetran.debug(connector_project, configuration, env=env).returncode == 0
        sandbox.change_settings(timezone="Asia/Tokyo")
        second = fivetran.debug(connector_project, configuration, env=env)
        assert second.returncode == 0, second.stderr
        rows = fivetran.rows(second.warehouse, "form_daily")
        days = {(row["form_id"], f"{row['date']}") for row in rows if not row["_fivetran_deleted"]}
        fresh = Loader(sandbox.url, configuration).sync().rows("form_daily")
        assert days == {(row["form_id"], row["date"]) for row in fresh}
        assert len(days) < len(rows)


class TestEmptyListing:
    """Two empty answers in a row are true; test_live_paging.py has a single one."""

    def test_resources(self, sandbox: Sandbox, connection: Loader) -> None:
        """All metrics are deleted, with a warning."""
        assert_deleted(sandbox, connection, "metric", "/api/metrics$")

    def test_memberships(self, sandbox: Sandbox, connection: Loader) -> None:
        """All members of a list are deleted, with a warning."""
        members = Counter(row["list_id"] for row in connection.rows("list_profile"))
        ((largest, _),) = members.most_common(1)
        assert_deleted(sandbox, connection, "list_profile", f"/api/lists/{largest}/profiles$")

    def test_profiles(self, sandbox: Sandbox, connection: Loader) -> None:
        """All people are deleted, with a warning, and written again a day later."""
        assert_deleted(sandbox, connection, "profile", "/api/profiles$", "created%2Cupdated")
        sandbox.advance(DAY)
        connection.sync()
        assert len(connection.rows("profile")) == len(sandbox.all("/api/profiles"))


def assert_deleted(
    sandbox: Sandbox, connection: Loader, table: str, path: str, query: str = ""
) -> None:
    """The next day's sync, both of whose readings are empty, deletes rows and warns of it."""
    sandbox.fault("empty_listing", path=path, query=query, times=2)
    before = len(connection.rows(table))
    sandbox.advance(DAY)
    connection.sync()
    (fault,) = sandbox.admin()["faults"]
    assert fault["applied"] == fault["times"]
    assert len(connection.rows(table)) < before - 10
    assert [
        warning
        for warning in connection.warnings
        if warning.startswith(f"{table}: Klaviyo no longer")
    ]


class TestRereadSetting:
    """An operator asks for all events since a date."""

    def test_a_moved_credit_arrives_when_it_is_asked_for(
        self, sandbox: Sandbox, connection: Loader
    ) -> None:
        """A credit that moved beyond every lookback is read again, once for each value."""
        old, *_ = sorted(connection.rows("event_attribution"), key=lambda row: row["event_id"])
        other = next(
            row
            for row in connection.rows("event_attribution")
            if row["attributed_event_id"] != old["attributed_event_id"]
        )
        sandbox.move_credit(old["event_id"], other["attributed_event_id"])
        setting = {"reread_events_from": "2025-01-01"}
        connection.configuration = EVERYTHING | setting
        first = connection.sync().written["event"]
        assert first == len(connection.rows("event"))
        assert_like_a_first_sync(sandbox, connection)
        assert connection.sync().written["event"] < first / 10

    def test_events_that_no_longer_come_back_are_found_after_a_re_read(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        """The statement in docs/operations.md deletes them, and no other event."""
        configuration = {"api_key": KEY, "tables": "event", "start_date": "2026-09-01"}
        connection = Loader(sandbox.url, configuration).sync()
        before = {row["id"]: row for row in connection.rows("event")}
        old = sorted(before, key=lambda id_: str(before[id_]["datetime"]))[100:110]
        for id_ in old:
            sandbox.edit("event", id_, None)
        sandbox.advance(DAY)
        connection.configuration = configuration | {"reread_events_from": "2025-01-01"}
        connection.sync()
        rows = {table: connection.rows(table) for table in ("event", "sync_report")}
        warehouse = raw.write(tmp_path / "raw.db", rows, rows)
        assert {*old} <= {row["id"] for row in fivetran.rows(warehouse, "event")}
        delete_unreturned_events(warehouse, "2025-01-02")
        after = {row["id"] for row in fivetran.rows(warehouse, "event")}
        assert before.keys() - after == {*old}


def delete_unreturned_events(warehouse: Path, since: str) -> None:
    """Run the statement of docs/operations.md for a re-read since a day, the last sync's."""
    text = (REPOSITORY / "docs" / "operations.md").read_text()
    (statement,) = re.findall(r"```sql\n(.*?delete from klaviyo\.event\n.*?)```", text, re.DOTALL)
    with duckdb.connect(str(warehouse)) as connection:
        found = connection.execute(
            f"select max(cast(started_at as timestamp))::varchar from {fivetran.SCHEMA}.sync_report"
        ).fetchone()
        assert found is not None
        day_before = f"{datetime.fromisoformat(found[0]) - timedelta(days=1):%Y-%m-%d %H:%M:%S}"
        times = iter([f"{since} 00:00:00", day_before, found[0]])
        filled = re.sub(r"timestamp '[^']+'", lambda _: f"timestamp '{next(times)}'", statement)
        connection.execute("set timezone = 'UTC'")
        connection.execute(filled.replace("klaviyo.", f"{fivetran.SCHEMA}."))


def find_recipient(connection: Loader) -> Row:
    """A person with an event of months ago that names the person's address."""
    people = {row["id"]: row for row in connection.rows("profile")}
    first, *_ = (
        row
        for row in sorted(connection.rows("event"), key=lambda row: str(row["datetime"]))
        if row["profile_id"] in people and "Recipient Email Address" in row["properties"]
    )
    return people[first["profile_id"]]


def events_of(connection: Loader, person: Row) -> list[Row]:
    """The events that a person has in the warehouse."""
    return [row for row in connection.rows("event") if row["profile_id"] == person["id"]]


def personal_events(connection: Loader, person: Row) -> list[Row]:
    """The events that name a person's address."""
    return [row for row in connection.rows("event") if person["email"] in json.dumps(row)]


def assert_like_a_first_sync(sandbox: Sandbox, connection: Loader) -> None:
    """The events and credits are those of a first sync."""
    fresh = Loader(sandbox.url, {**EVERYTHING, "tables": "event,event_attribution"}).sync()
    for table in ("event", "event_attribution"):
        assert fresh.content()[table] == connection.content()[table], table


def deleted_ids(result: fivetran.Result, table: str, column: str = "id") -> set[Any]:
    """The values of a column in the rows that Fivetran marks as deleted."""
    rows = fivetran.rows(result.warehouse, table)
    return {row[column] for row in rows if row.get("_fivetran_deleted")}
