"""What the tests of the scripts share: no settings of the person who runs them."""

import os
from pathlib import Path

import pytest

OURS = ("AWS_", "BQ_", "DIGEST_", "EXPORT_", "FIVETRAN_", "KLAVIYO_", "PG_", "SES_", "SMTP_")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env of this machine is read."""
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
