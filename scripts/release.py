"""Make a release: set the version, date the changelog's Unreleased section, commit and tag.

Nothing is published. The branch must be main without uncommitted changes, the version must be newer
than every release tag, and the Unreleased section must have an entry. Run `make check` and
`make test` before.

exit codes:
  0  the release is committed and tagged
  1  a condition is not met or git failed, and nothing is changed
  2  the version is malformed
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.command import CommandError, argument_type, command

ROOT = Path(__file__).parent.parent
CHANGELOG = "CHANGELOG.md"
VERSION_FILES = (
    "pyproject.toml",
    "klaviyo_connector/pyproject.toml",
    "dbt_project/dbt_project.yml",
)
VERSION_LINE = re.compile(r"""^(version(?: = "|: ))[^"\n]+("?)$""", re.MULTILINE)  # TOML or YAML
VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}")
UNRELEASED = re.compile(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", re.MULTILINE | re.DOTALL)

Version = tuple[int, int, int]


def parse_version(text: str) -> Version:
    """Parse `x.y.z`, three numbers without leading zeros."""
    if not VERSION.fullmatch(text):
        raise ValueError(text)
    major, minor, patch = map(int, text.split("."))
    return major, minor, patch


def format_version(version: Version) -> str:
    """Format a version as `x.y.z`."""
    return ".".join(map(str, version))


def release(version: Version) -> str:
    """Commit and tag the release; return the name of its tag. CommandError changes nothing."""
    _check_repository(version)
    before = _git("rev-parse", "HEAD")
    title, tag = f"Release {format_version(version)}", f"v{format_version(version)}"
    texts = _set_version(version) | {CHANGELOG: _date_changelog(version)}
    for name, text in texts.items():
        (ROOT / name).write_text(text)
    try:
        _git("commit", "--quiet", "--message", title, "--", *texts)
        _git("tag", "--annotate", "--message", title, tag)
    except CommandError:
        _git("reset", "--quiet", "--hard", before)  # the check above found nothing to lose
        raise
    return tag


def _check_repository(version: Version) -> None:
    branch = _git("branch", "--show-current")
    if branch != "main":
        raise CommandError(f"The branch is {branch or 'detached'}: release from main.")
    if _git("status", "--porcelain"):
        raise CommandError("There are uncommitted changes: commit or remove them first.")
    tags = _git("tag", "--list", "v*").split()
    releases = [parse_version(tag[1:]) for tag in tags if VERSION.fullmatch(tag[1:])]
    if releases and version <= (latest := max(releases)):
        raise CommandError(f"{format_version(latest)} is released: choose a newer version.")


def _set_version(version: Version) -> dict[str, str]:
    """The text of every file that states the version, with the new one."""
    texts = {}
    for name in VERSION_FILES:
        replacement = rf"\g<1>{format_version(version)}\g<2>"
        text, count = VERSION_LINE.subn(replacement, read(name))
        if count != 1:
            raise CommandError(f"{name} states the version {count} times, not once.")
        texts[name] = text
    return texts


def _date_changelog(version: Version) -> str:
    """The changelog with the Unreleased section under the version, and an empty one above it."""
    changelog = read(CHANGELOG)
    section = UNRELEASED.search(changelog)
    if section is None:
        raise CommandError(f"{CHANGELOG} has no section [Unreleased].")
    if not re.search(r"^[-|] ?\S", section[1], re.MULTILINE):
        raise CommandError(f"{CHANGELOG} has no entry under [Unreleased].")
    today = datetime.now(UTC).date()
    heading = f"## [Unreleased]\n\n## [{format_version(version)}] - {today}\n"
    return changelog.replace("## [Unreleased]\n", heading, 1)


def read(name: str) -> str:
    """Read a file of the repository."""
    return (ROOT / name).read_text()


def _git(*arguments: str) -> str:
    result = subprocess.run(
        [shutil.which("git") or "git", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise CommandError(f"git {arguments[0]} failed: {result.stderr.strip() or result.stdout}")
    return result.stdout.strip()


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Make the release and print how to publish it."""
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="`make release VERSION=1.2.3` runs it.",
    )
    parser.add_argument(
        "version",
        type=argument_type("a version such as 1.2.3", parse_version),
        metavar="VERSION",
        help="the new version, such as 1.2.3",
    )
    tag = release(parser.parse_args(arguments).version)
    print(f"{tag} is committed and tagged here. To publish it: git push origin main {tag}")


if __name__ == "__main__":
    sys.exit(main())
