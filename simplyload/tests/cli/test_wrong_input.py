"""What a new user gets wrong: one line with the remedy, the right exit code, and no harm."""

import json
import runpy
import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import yaml
from psycopg2.extensions import parse_dsn

from simplyload.cli import app, main
from simplyload.testing.processes import Ended
from tests.conftest import connect

Command = Callable[[str], Ended]


@pytest.fixture
def simplyload(
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Command:
    """Give the command in a folder whose configuration polls one table `orders`."""
    with closing(connect(database)) as owner:
        owner.cursor().execute('create table orders (id int primary key, "ID" int)')
    parts = parse_dsn(database)
    shop = {"type": "postgres", "mode": "poll", "host": parts["host"], "port": int(parts["port"])}
    shop |= {"user": parts["user"], "database": parts["dbname"]}
    file = {"sources": {"shop": shop}, "destination": {"type": "duckdb", "path": "w.duckdb"}}
    (tmp_path / "simplyload.yml").write_text(yaml.safe_dump(file | {"log": "log"}))
    monkeypatch.chdir(tmp_path)

    def run(words: str) -> Ended:
        capfd.readouterr()
        code = main(shlex.split(words))
        return Ended(code, *capfd.readouterr())

    return run


WRONG = {
    "backfill orderz": (2, "orderz is none of the chosen tables with a key; did you mean orders?"),
    "backfill shop.ORDERS": (2, "did you mean orders?"),
    "backfill ''": (2, "such as shop.orders"),
    "sync --every 0s": (2, "--every takes a time above zero"),
    "sync --every -5m": (2, "--every takes a time above zero"),
    "sync --select": (2, "--select takes streams: shop"),
    "sync --select Shop": (2, "did you mean shop?"),
    "sync --config nope.yml": (2, "create it as the README shows"),
    "sync --set sources.shop.tables=[orders]": (2, "a table is named with its schema"),
    "sync --set sources.shop.tables=orders": (2, "the value must be a list, such as [a, b]"),
    "sync --set sources.shop.tables=[]": (2, "the value must have at least 1 item"),
    "sync --set sources.shop.overlap=10m": (2, "the value must be a time, such as PT10M"),
    "sync --set sources.shop.password=12345": (2, "the value must be text: put it in quotes"),
    "sync --set sources=x": (2, "sources: the value must be keys with values"),
    "sync --set sources.Big={type:\\ klaviyo}": (2, "a source's name is a lower-case letter"),
    "sync --set sources.shop.port=1": (1, "refused"),
    "sync --set sources.shop.database=nope": (1, 'database "nope" does not exist'),
    "sync --set destination.path=/proc/no/w.duckdb": (1, "destination.path: /proc/no/w.duckdb"),
    "sync --set destination.path=simplyload.yml": (1, "name another file"),
    "sync --set destination={type:\\ parquet,path:\\ /proc/no}": (1, "destination.path: /proc/no"),
    "clean --keep-days -1": (2, "--keep-days takes a number of days from 0 on"),
    "replay --set log=nolog": (2, "nolog is no folder: name the log of the loads"),
    "check --set destination.path=simplyload.yml": (1, "name another file"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_input_is_one_line_with_the_remedy(simplyload: Command, words: str) -> None:
    """Neither a traceback nor a success, and no warehouse or log is made by a refused command."""
    code, sentence = WRONG[words]
    ended = simplyload(words)
    assert (ended.code, "Traceback" in ended.err) == (code, False)
    assert sentence in ended.err
    takes_the_lease = words.startswith("backfill")
    assert takes_the_lease or not Path("w.duckdb").exists()


def test_su6_a_selection_that_chooses_nothing_is_no_success(simplyload: Command) -> None:
    """Patterns without a table end with 2 and the setting; nothing is written."""
    ended = simplyload("sync --set sources.shop.tables=[public.nothing*]")
    assert (ended.code, "tables" in ended.err) == (2, True), ended.err
    assert not Path("w.duckdb").exists()


def test_to_look_makes_no_warehouse(simplyload: Command) -> None:
    """Before the first sync each command that only looks answers, and makes no file."""
    for words in ("discover", "validate", "check", "config", "checkpoint show"):
        assert simplyload(words).code == 0, words
    assert json.loads(simplyload("checkpoint show").out) == {
        "stream": "shop",
        "loads": 0,
        "newest": "",
        "state": None,
    }
    assert not Path("w.duckdb").exists()


def test_a_state_of_another_version_is_named(simplyload: Command) -> None:
    """A destination that a later SimplyLoad wrote is not read as an empty one."""
    assert simplyload("sync").code == 0
    with duckdb.connect("w.duckdb") as warehouse:
        warehouse.sql("update _simplyload.loads set state = '{\"version\": 9}'")
    ended = simplyload("sync")
    assert (ended.code, "Traceback" in ended.err) == (1, False)
    assert "Run the version that wrote it" in ended.err


def test_replay_follows_another_key_and_names_what_it_cannot_bring(
    simplyload: Command, database: str
) -> None:
    """A new destination has the rows by the new key; the old one still waits, with exit code 1."""
    with closing(connect(database)) as owner, owner.cursor() as cursor:
        cursor.execute("insert into orders values (1, 10), (2, 20)")
        assert simplyload("sync").code == 0
        cursor.execute("drop table orders; create table orders (name text primary key, id int)")
        cursor.execute("insert into orders values ('a', 1), ('b', 2)")
        assert simplyload("sync").code == 1
    rebuilt = simplyload("replay --set destination.path=new.duckdb")
    assert (rebuilt.code, json.loads(rebuilt.out)["stopped"]) == (0, {})
    with duckdb.connect("new.duckdb") as warehouse:
        rows = warehouse.sql("select name, id from shop.orders where not _deleted order by all")
        assert rows.fetchall() == [("a", 1), ("b", 2)]
    present = simplyload("replay")
    assert present.code == 1
    assert "rename the table" in json.loads(present.out)["stopped"]["orders"]


def test_a45_validate_names_what_the_destination_calls_otherwise(simplyload: Command) -> None:
    """A second column of a name gets its suffix in `validate`; one that cannot stay is an error."""
    found = simplyload("validate")
    assert found.code == 0
    named = [row for row in map(json.loads, found.out.splitlines()) if row["level"] == "warning"]
    assert any(row["message"].startswith("its column ID is ID_") for row in named)
    refused = simplyload("validate --set destination.names.deleted=id")
    assert refused.code == 1
    assert "Column id of orders has a name that `destination.names` gives" in refused.out


def test_backfill_of_the_only_table_that_was_dropped_names_none(
    simplyload: Command, database: str
) -> None:
    """Where no table is left that one may mean, the message says so."""
    with closing(connect(database)) as owner:
        owner.cursor().execute("drop table orders")
    ended = simplyload("backfill shop.orders")
    assert ended.code == 2
    assert "orders is none of the chosen tables with a key: there is none now." in ended.err


def test_a46_validate_checks_the_limits_of_the_destination(
    simplyload: Command, database: str
) -> None:
    """A table of more columns than the destination holds is an error before anything is read."""
    more = ", ".join(f"add c{number} int" for number in range(1596))
    with closing(connect(database)) as owner:
        owner.cursor().execute(f"alter table orders {more}")
    parts = parse_dsn(database)
    settings = {"type": "postgres", "host": parts["host"], "port": int(parts["port"])}
    settings |= {"user": parts["user"], "database": parts["dbname"]}
    file = Path("simplyload.yml")
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"destination": settings}))
    found = simplyload("validate")
    [error] = [row for row in found.rows if row["level"] == "error"]
    assert (found.code, error["subject"]) == (1, "public.orders")
    assert "has 1598 columns, and postgres holds 1600" in error["message"]


def test_validate_goes_on_past_what_it_cannot_reach(simplyload: Command) -> None:
    """A source and a destination that do not answer are two findings of one run."""
    where = "--set destination.path=simplyload.yml --set sources.shop.port=1"
    ended = simplyload(f"validate {where}")
    assert ended.code == 1
    assert [row["subject"] for row in ended.rows if row["level"] == "error"] == [
        "destination",
        "source",
    ]


@pytest.mark.slow
def test_every_command_states_the_exit_codes(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The help of each command has them, and `python -m simplyload` is the command, too."""
    names = [name for name in app if not name.startswith("-")]
    assert len(names) > 9
    for name in [*names, "checkpoint show", "checkpoint reset"]:
        assert main([*name.split(), "--help"]) == 0
        assert "75  another run is active" in capfd.readouterr().out
    monkeypatch.setattr("sys.argv", ["simplyload", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("simplyload", run_name="__main__")
    assert ended.value.code == 0
    assert "75  another run is active" in capfd.readouterr().out
