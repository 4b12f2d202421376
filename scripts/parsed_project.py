"""Lets dbt reuse the project that its last run parsed, which takes it 20 CPU seconds to do again.

dbt 1.12 does so by itself if `partial_parse` is on, but fails after an edit, or with another
setting: "dbt found two metrics with the name ...". So it is on only for what is surely the same.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PARSED = "partial_parse.msgpack"
STAMP = "parsed_from.txt"
PATTERNS = ("*.yml", "macros/**/*", "models/**/*", "seeds/**/*", "tests/**/*")


@contextmanager
def reuse_if_same(project: Path, target: str, environment: Mapping[str, str]) -> Iterator[str]:
    """The option for a run of dbt. If the run succeeds, the next one may reuse what it parsed."""
    folder = Path(environment.get("DBT_TARGET_PATH") or project / "target")
    stamp, inputs = folder / STAMP, _digest(project, target, environment)
    is_same = stamp.exists() and stamp.read_text() == _describe(inputs, folder)
    stamp.unlink(missing_ok=True)
    yield "--partial-parse" if is_same else "--no-partial-parse"
    if (folder / PARSED).exists():
        stamp.write_text(_describe(inputs, folder))


def _describe(inputs: str, folder: Path) -> str:
    """What was parsed, and the file that dbt made of it: another run of dbt writes it again."""
    parsed = folder / PARSED
    return f"{inputs} {parsed.stat().st_mtime_ns if parsed.exists() else 0}\n"


def _digest(project: Path, target: str, environment: Mapping[str, str]) -> str:
    """Identifies the project's files and the settings that its macros read."""
    settings = {name: value for name, value in environment.items() if name.startswith("KLAVIYO_")}
    inputs = target, sorted(settings.items()), digest_files(project)
    return hashlib.sha256(repr(inputs).encode()).hexdigest()


def digest_files(project: Path) -> list[tuple[str, str]]:
    """The files that dbt parses, each with a digest of its content."""
    return [
        (str(file), hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted({file for pattern in PATTERNS for file in project.glob(pattern)})
        if file.is_file()
    ]
