"""Keeps what commands write from other users of the machine: it holds people and keys."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_PATHS = (".env", "build", "data")  # in the current folder, made by earlier runs
_OTHERS = 0o077


@contextmanager
def keep_files_private() -> Iterator[None]:
    """Let only the owner read what the block, and its child processes, create."""
    for path in map(Path, PRIVATE_PATHS):
        with suppress(FileNotFoundError, PermissionError):  # what another user owns stays theirs
            path.chmod(path.stat().st_mode & ~_OTHERS)
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)
