"""`make release`: what a release changes, and what stops it."""

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts import release

ROOT = Path(__file__).parents[2]
FILES = (*release.VERSION_FILES, release.CHANGELOG)
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A table.\n"


@pytest.fixture(name="clone")
def _clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A repository on main with this repository's versions and a changelog with one entry."""
    clone = tmp_path / "clone"
    for name in release.VERSION_FILES:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    (clone / release.CHANGELOG).write_text(CHANGELOG)
    monkeypatch.setattr(release, "ROOT", clone)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Releaser")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "releaser@example.com")
    git(clone, "init", "--quiet", "--initial-branch", "main")
    commit(clone)
    return clone


def git(clone: Path, *arguments: str) -> str:
    """Run git in the clone and return its output."""
    command = [str(shutil.which("git")), *arguments]
    return subprocess.run(
        command, cwd=clone, capture_output=True, text=True, check=True
    ).stdout.strip()


def commit(clone: Path) -> None:
    """Commit all changes in the clone."""
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "Change something")


def test_release_is_committed_and_tagged(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A release sets the version in every file, dates the changelog, and tags its one commit."""
    before, today = git(clone, "rev-parse", "HEAD"), datetime.now(UTC).date()
    assert release.main(["1.2.3"]) == 0
    assert git(clone, "rev-parse", "HEAD^", "v1.2.3^{commit}^") == f"{before}\n{before}"
    assert sorted(git(clone, "diff", "--name-only", "HEAD^").split()) == sorted(FILES)
    assert git(clone, "status", "--porcelain") == ""
    pattern = re.compile(r"^version\W+([\d.]+)", re.MULTILINE)
    versions = [pattern.findall(release.read(name)) for name in release.VERSION_FILES]
    assert versions == [["1.2.3"]] * len(versions)
    days = (today, datetime.now(UTC).date())  # two if midnight passes meanwhile
    sections = [f"## [Unreleased]\n\n## [1.2.3] - {day}\n\n### Added\n" for day in days]
    assert any(section in release.read(release.CHANGELOG) for section in sections)
    assert "git push origin main v1.2.3" in capsys.readouterr().out


def make_dirty(clone: Path) -> None:
    """Leave a file that git does not know."""
    (clone / "notes.txt").touch()


def leave_main(clone: Path) -> None:
    """Switch to another branch."""
    git(clone, "switch", "--quiet", "--create", "topic")


def empty_the_changelog(clone: Path) -> None:
    """Leave the Unreleased section without an entry."""
    (clone / release.CHANGELOG).write_text(CHANGELOG.replace("- A table.\n", ""))
    commit(clone)


def remove_the_section(clone: Path) -> None:
    """Remove the Unreleased section."""
    (clone / release.CHANGELOG).write_text(CHANGELOG.replace("[Unreleased]", "[1.0.0]"))
    commit(clone)


def tag_a_newer_release(clone: Path) -> None:
    """Tag a release that is newer, but not by alphabet."""
    git(clone, "tag", "v1.10.0")


def remove_the_version(clone: Path) -> None:
    """Remove the version from a file that must state it."""
    (clone / "dbt_project" / "dbt_project.yml").write_text("name: klaviyo\n")
    commit(clone)


def fail_to_tag(clone: Path) -> None:
    """Let git sign tags with a key that does not exist."""
    git(clone, "config", "tag.gpgSign", "true")
    git(clone, "config", "gpg.program", "false")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (make_dirty, "There are uncommitted changes"),
        (leave_main, "The branch is topic: release from main"),
        (empty_the_changelog, "no entry under [Unreleased]"),
        (remove_the_section, "no section [Unreleased]"),
        (tag_a_newer_release, "1.10.0 is released: choose a newer version"),
        (remove_the_version, "dbt_project.yml states the version 0 times"),
        (fail_to_tag, "git tag failed"),
    ],
)
def test_unmet_condition_changes_nothing(
    clone: Path,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Path], None],
    reason: str,
) -> None:
    """An unmet condition exits with 1 and its reason, and commits, tags and files stay."""
    prepare(clone)
    refs, files = git(clone, "show-ref"), [release.read(name) for name in FILES]
    status = git(clone, "status", "--porcelain")
    assert release.main(["1.9.0"]) == 1
    assert reason in capsys.readouterr().err
    assert git(clone, "show-ref") == refs
    assert [release.read(name) for name in FILES] == files
    assert git(clone, "status", "--porcelain") == status


def test_malformed_version_is_refused(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A version that is not x.y.z exits with 2, and nothing is changed."""
    refs = git(clone, "show-ref")
    for version in ("1.2", "v1.2.3", "1.2.03", "1.2.3-rc1", ""):
        with pytest.raises(SystemExit, match="2"):
            release.main([version])
        assert "is not a version such as 1.2.3" in capsys.readouterr().err
    assert git(clone, "show-ref") == refs


def test_changelog_of_this_repository_can_be_released() -> None:
    """The changelog here has a section Unreleased, and every file states the same version."""
    assert release.UNRELEASED.search((ROOT / release.CHANGELOG).read_text())
    texts = [(ROOT / name).read_text() for name in release.VERSION_FILES]
    versions = [match[0] for text in texts for match in release.VERSION_LINE.finditer(text)]
    assert len(versions) == len(release.VERSION_FILES)
    assert len({version.strip('version =:"') for version in versions}) == 1
