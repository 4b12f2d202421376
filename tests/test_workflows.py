"""The workflows are safe, well-formed and held to what stands elsewhere in the repository."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def step(workflow: str, name: str) -> dict[str, Any]:
    """A named step of a workflow."""
    content = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text())
    steps = [step for job in content["jobs"].values() for step in job["steps"]]
    [found] = [step for step in steps if step.get("name") == name]
    return dict(found)


@pytest.mark.parametrize(
    "command",
    [
        ["zizmor", "--offline", "--no-progress"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
    ],
    ids=["zizmor", "schema"],
)
def test_the_linters_find_nothing(command: list[str]) -> None:
    """Zizmor looks for holes; GitHub's schema for what GitHub would not understand."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:], *map(str, WORKFLOWS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_allowed_by_default(workflow: Path) -> None:
    """Each job names its own permissions, each action its commit and each job its patience."""
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {}
    for job in content["jobs"].values():
        assert job["permissions"]["contents"] == "read"
        assert "timeout-minutes" in job
    actions = re.findall(r"uses: (\S+)(.*)", workflow.read_text())
    assert actions
    for action, comment in actions:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


def test_a_pull_request_sees_no_secret() -> None:
    """Every job that is given a secret has a protected environment and does not run for one."""
    for workflow in WORKFLOWS:
        content = yaml.safe_load(workflow.read_text())
        # YAML 1.1 reads the key `on` as true
        is_for_pull_requests = "pull_request" in content[True]
        for job in content["jobs"].values():
            if "secrets." in yaml.safe_dump(job):
                assert "environment" in job
                assert not is_for_pull_requests or "!= 'pull_request'" in job["if"]


def test_the_containers_are_well_made() -> None:
    """Hadolint finds nothing in the Dockerfile, and the compose file fits its schema."""
    for command in (
        ["hadolint", "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
    ):
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
