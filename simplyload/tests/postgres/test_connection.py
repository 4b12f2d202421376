"""Connections: any password, our session on all three kinds, no password in an error."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.source import PostgresSource

Run = Callable[[str], list[Any]]
Settings = Callable[..., PostgresSettings]
Ask = Callable[[PostgresSettings, str], Any]


@pytest.fixture
def role_with_password(run: Run, replication_role: str) -> Iterator[Callable[[str], str]]:
    """Give a function that gives the reading role a password, which the server then demands."""
    [(path,)] = run("select current_setting('hba_file')")
    before = Path(path).read_text()

    def set_password(password: str) -> str:
        quoted = password.replace("'", "''")
        run(
            "set password_encryption = 'scram-sha-256';"
            f"alter role {replication_role} password '{quoted}'"
        )
        Path(path).write_text(f"host all {replication_role} 127.0.0.1/32 scram-sha-256\n{before}")
        run("select pg_reload_conf(), pg_sleep(0.2)")
        return replication_role

    yield set_password
    Path(path).write_text(before)
    run("select pg_reload_conf()")


def test_r35_a_role_that_is_missing_is_named_with_the_remedy(settings: Settings) -> None:
    """A new user's first run may fail so: the sentence says where the README describes the role."""
    source = PostgresSource(settings(user="missing_role"), "shop")
    with closing(source), pytest.raises(SourceError) as raised:
        source.tables()
    assert 'role "missing_role" does not exist. Correct host, port' in str(raised.value)
    assert "as the README says (Set up Postgres)" in str(raised.value)


@pytest.mark.parametrize("mode", ["copy", "poll", "cdc"])
def test_a_lost_connection_is_opened_again(
    run: Run, settings: Settings, replication_role: str, mode: str
) -> None:
    """The source of a process that stays reads on after the server ended or refused it."""
    run("create table orders (id int primary key, at timestamptz default now())")
    run("insert into orders values (1)")
    run("create publication own for table orders")
    cursors = {"cursors": {"public.orders": "at"}} if mode == "poll" else {}
    [(slot,)] = run("select current_database()")
    options = settings(
        user=replication_role, mode=mode, publication="own", slot=str(slot), **cursors
    )
    sessions = f"from pg_stat_activity where usename = '{replication_role}'"
    end = f"select pg_terminate_backend(pid, 9000) {sessions}"
    with closing(PostgresSource(options, "shop")) as source:
        states = [batch.state for batch in source.read({})]
        run("insert into orders values (2)")
        run(end)
        batches = list(source.read(states[-1] or {}))
        assert sum(changes.rows.num_rows for batch in batches for changes in batch.changes) > 0
        run(f"alter role {replication_role} nologin")
        run(end)
        for _ in range(2):
            with pytest.raises(SourceError, match="not permitted to log in"):
                list(source.read(batches[-1].state or {}))
        run(f"alter role {replication_role} login")
        assert list(source.read(batches[-1].state or {}))[-1].state


@pytest.mark.parametrize("password", ["p@ss", "p#a", "100%", "a/b", "a b'c\\"])
def test_a21_r33_any_password_works_and_no_error_repeats_it(
    role_with_password: Callable[[str], str], settings: Settings, ask: Ask, password: str
) -> None:
    """The password reaches the server as it is written; a refusal names host and database only."""
    role = role_with_password(password)
    assert ask(settings(user=role, password=password), "select current_user") == role
    wrong = f"{password}!"
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        ask(settings(user=role, password=wrong), "select 1")
    assert wrong not in "".join(traceback.format_exception(caught.value))
    assert wrong not in repr(settings(user=role, password=wrong))


def test_a19_the_session_is_ours_whatever_the_role_has_set(
    run: Run, settings: Settings, replication_role: str, ask: Ask
) -> None:
    """Timeouts are off and the text forms are ours on all three kinds of connection."""
    for setting in (
        "statement_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "transaction_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "idle_session_timeout = '1ms'",
        "search_path = 'nowhere'",
        "datestyle = 'German'",
        "timezone = 'America/Los_Angeles'",
        "bytea_output = 'escape'",
        "intervalstyle = 'iso_8601'",
        "extra_float_digits = -5",
        "standard_conforming_strings = off",
        "quote_all_identifiers = on",
    ):
        run(f"alter role {replication_role} set {setting}")
    found = ask(
        settings(),
        r"""select concat_ws('|', timestamptz '2024-01-02 03:04+00', '\x00'::bytea,
            interval '1 day', 0.1::float8 + 0.2::float8, current_setting('search_path'),
            current_setting('statement_timeout'), current_setting('application_name'))
            from pg_sleep(0.05)""",
    )
    assert found == r"2024-01-02 03:04:00+00|\x00|1 day|0.30000000000000004||0|simplyload/shop"


def test_r33_an_error_repeats_no_value_of_the_query(settings: Settings) -> None:
    """A refusal names the database and the server's reason, not the keys that the query has."""
    with (
        closing(Reader(settings(), "shop")) as reader,
        pytest.raises(SourceError, match="division by zero") as caught,
    ):
        reader.read("select 1 / (random() * 0)::int as x where 'ann@example.org' <> 'x'")
    assert "ann@example.org" not in str(caught.value)
