"""`python -m scripts.load_postgres`: Postgres has the raw tables that were synced."""

from pathlib import Path

import duckdb
import psycopg
import pytest

from scripts import load_postgres
from tests.fivetran import SCHEMA
from tests.warehouse import raw, shop
from tests.warehouse.engines import run_postgres


def test_every_table_is_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every table is copied to the digit, and a second copy replaces the first."""
    file = raw.write(tmp_path / "raw.db", shop.ROWS)
    with run_postgres(tmp_path) as postgres:
        for name, value in postgres.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KLAVIYO_RAW_SCHEMA", "raw")
        assert load_postgres.main([str(file)]) == load_postgres.main([str(file)]) == 0
        with (
            duckdb.connect(str(file), read_only=True) as source,
            psycopg.connect(postgres.uri) as target,
        ):
            source.execute("set timezone = 'UTC'")
            for table, rows in shop.ROWS.items():
                [loaded] = source.execute(f"select count(*) from {SCHEMA}.{table}").fetchall()
                [copied] = target.execute(f"select count(*) from raw.{table}").fetchall()
                assert copied == loaded == (len(rows),)
            query = (
                "select * from {}.campaign_performance"
                " order by account_id, campaign_message_id, variation, conversion_metric_id"
            )
            copied_rows = target.execute(query.format("raw")).fetchall()
            assert copied_rows == source.execute(query.format(SCHEMA)).fetchall()


def test_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file exits with 1, and the message names the file and the remedy."""
    assert load_postgres.main(["none.db"]) == 1
    assert "none.db is missing: run `make demo`" in capsys.readouterr().err
