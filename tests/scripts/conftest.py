"""What the tests of the scripts share: isolation from the settings of this machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

PREFIXES = ("ARCHIVE_", "AWS_", "BQ_", "DBT_", "DIGEST_", "FIVETRAN_", "KLAVIYO_", "PG_", "SMTP_")


@pytest.fixture(autouse=True)
def _isolate_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Hide the variables and the .env of this machine, and undo what a test sets."""
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith(PREFIXES)]:
            del os.environ[name]
        yield
