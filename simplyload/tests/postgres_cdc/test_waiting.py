"""A table that a run does not bring to the present: named, exit code 1, and nothing of it lost."""

import re
import shutil
from pathlib import Path

import pytest

from simplyload.errors import ConfigurationError
from tests.postgres_cdc.flow import Flow
from tests.postgres_cdc.replica import Database, Replica


@pytest.fixture
def flow(source: Database, replica: Replica, tmp_path: Path) -> Flow:
    """Give a flow of the tables a and b, each with a row."""
    for name in "ab":
        source.run(
            f"create table {name} (id int primary key, v text, updated_at timestamptz)",
            f"insert into {name} values (1, 'x', now())",
        )
    return Flow(replica, tmp_path)


@pytest.mark.parametrize("mode", ["cdc", "poll"])
def test_a_renamed_table_waits_in_every_run_and_loses_nothing(
    source: Database, flow: Flow, mode: str
) -> None:
    """A stop is committed though no row changed; the table goes on once it has its name again."""
    flow.run(mode=mode)
    source.run("alter table a rename to c", "insert into c values (2, 'y', now())")
    for _ in range(2):
        result = flow.run()
        assert (result.exit_code, list(result.stopped)) == (1, ["a"])
        assert "public.a was renamed to public.c" in result.stopped["a"]
        assert "rename: follow" in result.stopped["a"]
    source.run("alter table c rename to a", "delete from a where id = 1")
    assert flow.run(delete_scan=0).exit_code == 0
    assert flow.differences() == []


@pytest.mark.parametrize("mode", ["cdc", "poll"])
def test_a_renamed_table_that_is_followed_or_excluded_does_not_wait(
    source: Database, flow: Flow, mode: str
) -> None:
    """Each remedy of the message ends the wait."""
    flow.run(mode=mode)
    source.run("alter table a rename to c", "alter table b rename to d")
    assert set(flow.run(exclude=["public.b"]).stopped) == {"a"}
    assert flow.run(rename="follow").exit_code == 0
    assert flow.differences() == []


def test_a4_a_renamed_table_can_be_left_out(source: Database, flow: Flow) -> None:
    """The names that the message lists end the wait, and no table of the new name is made."""
    flow.run()
    source.run("alter table a rename to c", "insert into c values (2, 'y')")
    message = flow.run().stopped["a"]
    names = re.findall(r"exclude: \[(\S+), (\S+)\]", message)[0]
    assert flow.run(exclude=names).exit_code == 0
    assert flow.tables() == {"a": 1, "b": 1}


def test_a_table_renamed_away_and_back_between_runs_goes_on(source: Database, flow: Flow) -> None:
    """What was written under the other name is a change of the same table."""
    flow.run()
    source.run(
        "alter table a rename to c", "insert into c values (2, 'y')", "alter table c rename to a"
    )
    result = flow.run()
    assert (result.exit_code, result.changes) == (0, 1)
    assert flow.differences() == []


@pytest.mark.parametrize("new_rows", [False, True])
def test_a_destination_restored_from_a_backup_is_right_after_the_next_run(
    source: Database, flow: Flow, *, new_rows: bool
) -> None:
    """The slot is ahead of an old destination: the run says both positions, and copies again."""
    flow.run()
    backup = flow.warehouse.with_suffix(".backup")
    shutil.copy(flow.warehouse, backup)
    source.run("delete from a", "update b set v = 'z'")
    flow.run()
    shutil.copy(backup, flow.warehouse)
    if new_rows:
        source.run("insert into a values (3)")
    assert "was the destination restored" in " ".join(flow.run().warnings)
    assert flow.differences() == []


@pytest.mark.parametrize(
    ("statement", "remedy"),
    [
        ("alter table a drop constraint a_pkey", "exclude: [public.a]"),
        ("alter publication {name} set table b", "ADD TABLE"),
        ("alter publication {name} set table b, a where (id > 5)", "without WHERE"),
    ],
    ids=["no key", "left the publication", "filtered"],
)
def test_a_table_that_does_not_go_on_ends_each_run_with_1(
    source: Database, flow: Flow, replica: Replica, statement: str, remedy: str
) -> None:
    """The result names it with a remedy, in idle runs too, and the other table goes on."""
    source.run(f"create publication {replica.name} for table a, b")
    source.run("create role other_owner superuser")
    try:
        flow.run()
        source.run(
            f"alter publication {replica.name} owner to other_owner",
            statement.format(name=replica.name),
            "insert into b values (2)",
        )
        for _ in range(2):
            result = flow.run()
            assert (result.exit_code, list(result.stopped)) == (1, ["a"])
            assert remedy in result.stopped["a"]
        assert "b" not in flow.differences()
    finally:
        source.run(f"drop publication {replica.name}", "drop role other_owner")


def test_patterns_that_choose_nothing_are_errors(flow: Flow) -> None:
    """One of several is in the result; where no table is chosen at all, nothing is done."""
    assert list(flow.run(tables=["public.*", "nope.*"]).stopped) == ["nope.*"]
    with pytest.raises(ConfigurationError, match="no table matches"):
        flow.run(tables=["nope.*"])
    assert flow.run(tables=["public.*"]).warnings == []


def test_a_stream_that_becomes_a_poll_copies_again_what_has_no_cursor(
    source: Database, flow: Flow
) -> None:
    """What changed between the last streamed run and the first polled one is not missed."""
    source.run("create table n (id int primary key)", "insert into n values (1)")
    flow.run()
    source.run("insert into n values (2)", "update a set v = 'new'")
    assert "it is now read in another way" in " ".join(flow.run(mode="poll").warnings)
    assert flow.differences() == []
