"""What the tests of the scripts share: no settings of the person who runs them."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

OURS = ("ARCHIVE_", "AWS_", "BQ_", "DBT_", "DIGEST_", "FIVETRAN_", "KLAVIYO_", "PG_", "SMTP_")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No variable and no .env of this machine is read, and none that a test sets stays."""
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith(OURS)]:
            del os.environ[name]
        yield
