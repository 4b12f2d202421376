"""dbt on what SimplyLoad loads, without the SDK."""

from pathlib import Path

import duckdb
import psycopg
import pytest

from scripts import pipeline, sandbox
from tests.warehouse.engines import run_postgres

MARTS = "select count(*) from klaviyo.klaviyo__message_performance"


@pytest.fixture(name="account")
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLAVIYO_WAREHOUSE", raising=False)
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk_sandbox_simplyload")
    monkeypatch.setenv("KLAVIYO_TABLES", "all")


def sync_and_build(target: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `make sync LOADER=simplyload` twice: a first load and one of what changed since."""
    options = ["--loader", "simplyload", "--target", target, "--folder", str(folder)]
    skipped = ["--skip", "archive", "--skip", "digest", "--skip", "dashboard"]
    with sandbox.serve("--no-limits", "--campaigns", "20", "--profiles", "60") as url:
        monkeypatch.setenv("KLAVIYO_BASE_URL", url)
        assert pipeline.main([*options, *skipped]) == 0
        assert pipeline.main([*options, *skipped]) == 0


@pytest.mark.chaos
@pytest.mark.usefixtures("account")
def test_dbt_builds_on_what_simplyload_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make sync LOADER=simplyload`, twice: every table loads, dbt builds and tests every model."""
    sync_and_build("duckdb", tmp_path, monkeypatch)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        [(marts,)] = warehouse.sql(MARTS).fetchall()
    assert marts > 20


@pytest.mark.chaos
@pytest.mark.usefixtures("account")
def test_dbt_builds_on_what_simplyload_loads_into_postgres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same on Postgres, where SimplyLoad loads into the schema of KLAVIYO_RAW_SCHEMA."""
    with run_postgres(tmp_path) as engine:
        for name, value in engine.environment.items():
            monkeypatch.setenv(name, value)
        sync_and_build("postgres", tmp_path, monkeypatch)
        raw = "select count(*) from klaviyo_raw.campaign where not _fivetran_deleted"
        with psycopg.connect(engine.uri) as connection:
            counts = [connection.execute(query).fetchall()[0][0] for query in (MARTS, raw)]
    assert min(counts) >= 20
