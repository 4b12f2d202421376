"""dbt on what SimplyLoad loads, without the SDK."""

from pathlib import Path

import duckdb
import pytest

from scripts import pipeline, sandbox


@pytest.mark.chaos
def test_dbt_builds_on_what_simplyload_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make sync LOADER=simplyload`, twice: every table loads, dbt builds and tests every model."""
    monkeypatch.delenv("KLAVIYO_WAREHOUSE", raising=False)
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk_sandbox_simplyload")
    monkeypatch.setenv("KLAVIYO_TABLES", "all")
    options = ["--loader", "simplyload", "--target", "duckdb", "--folder", str(tmp_path)]
    skipped = ["--skip", "archive", "--skip", "digest", "--skip", "dashboard"]
    with sandbox.serve("--no-limits", "--campaigns", "20", "--profiles", "60") as url:
        monkeypatch.setenv("KLAVIYO_BASE_URL", url)
        assert pipeline.main([*options, *skipped]) == 0
        assert pipeline.main([*options, *skipped]) == 0
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        marts = warehouse.sql("from klaviyo.klaviyo__message_performance")
        assert len(marts.fetchall()) > 20
