"""Where the tests of BigQuery run: GoogleSQL on this machine, or a project that a variable names.

`BIGQUERY_TEST_PROJECT` is a project whose datasets every test drops, so it is for nothing else;
beside it, `BIGQUERY_LOCATION` and `BIGQUERY_KEY_FILE` are as in the section `destination`.

The server is the one on which the repository builds its dbt project, from the folder above; where
SimplyLoad stands alone, these tests are skipped.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from simplyload.destinations.bigquery_login import BigQuerySettings, make_client

Row = dict[str, Any]
REPOSITORY = Path(__file__).parents[3]
SERVER = "tests.warehouse.bigquery_api"
PROJECT = "BIGQUERY_TEST_PROJECT"
NO_ACCOUNT = f"no account: set {PROJECT}, see docs/bigquery.md"


class Server:
    """A server, and how to look at it without our code."""

    def __init__(self, endpoint: str = "") -> None:
        self.is_fake = bool(endpoint)
        self._place = (
            {"project": "project", "endpoint": endpoint}
            if endpoint
            else {
                "project": os.environ[PROJECT],
                "location": os.environ.get("BIGQUERY_LOCATION", "US"),
                "key_file": os.environ.get("BIGQUERY_KEY_FILE"),
            }
        )

    def settings(self, **more: Any) -> BigQuerySettings:
        """Give the settings of a project that is empty."""
        settings = BigQuerySettings.model_validate({**self._place, **more})
        with closing(make_client(settings)) as client:
            for dataset in list(client.list_datasets(include_all=True)):
                client.delete_dataset(dataset.reference, delete_contents=True)
        return settings

    def query(self, settings: BigQuerySettings, sql: str) -> list[Row]:
        """Run a statement, in which a table is `schema.table`."""
        named = re.sub(r'"([^"]+)"', r"`\1`", sql)
        table = r"\b(FROM|TABLE|UPDATE|VIEW|INTO) `?(\w+)`?\.`?(\w+)`?"
        full = re.sub(table, rf"\1 `{settings.project}`.`\2`.`\3`", named, flags=re.IGNORECASE)
        with closing(make_client(settings)) as client:
            return [dict(row.items()) for row in client.query(full).result()]


@contextmanager
def run_server() -> Iterator[Server]:
    """Yield the server that the environment chooses."""
    if os.environ.get(PROJECT):
        yield Server()
        return
    if not REPOSITORY.joinpath(*SERVER.split(".")).with_suffix(".py").exists():
        pytest.skip(f"the repository with {SERVER} is not around SimplyLoad, and {NO_ACCOUNT}")
    with subprocess.Popen(
        [sys.executable, "-m", SERVER],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY), "HOME": str(Path.home())},
    ) as process:
        assert process.stdout
        assert process.stdin
        endpoint = process.stdout.readline().strip()
        assert endpoint, "the server did not start"
        yield Server(endpoint)
        process.stdin.close()
