"""GitHub's workflows and forms, and the container files, are safe and well-formed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

from configuration import KEYS

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(file for file in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if file.stem != "config")
DEPENDABOT = GITHUB / "dependabot.yml"
EXAMPLES = ROOT / "simplyload" / "examples"


def load(file: Path) -> dict[Any, Any]:
    """Load a YAML file. YAML 1.1 reads the key `on` of a workflow as True."""
    content = yaml.safe_load(file.read_text())
    assert isinstance(content, dict)
    return content


def get_step(workflow: str, name: str) -> dict[str, Any]:
    """Get the step of a workflow that has this name."""
    jobs = load(GITHUB / "workflows" / f"{workflow}.yml")["jobs"].values()
    [step] = [step for job in jobs for step in job["steps"] if step.get("name") == name]
    return dict(step)


def lint(*command: str, files: list[Path]) -> None:
    """Run a linter from the environment on files; assert that it has no findings."""
    result = subprocess.run(
        [str(BIN / command[0]), *command[1:], *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def check_schema(name: str, *files: Path) -> None:
    """Assert that the files match a schema that check-jsonschema ships."""
    lint("check-jsonschema", "--builtin-schema", f"vendor.{name}", files=list(files))


def test_zizmor_has_no_findings() -> None:
    """Zizmor finds no security problem in a workflow or in dependabot's configuration."""
    lint("zizmor", "--offline", "--no-progress", files=[*WORKFLOWS, DEPENDABOT])


def test_files_match_their_schemas() -> None:
    """Workflows, issue forms, dependabot and the compose files match their published schemas."""
    check_schema("github-workflows", *WORKFLOWS)
    check_schema("github-issue-forms", *FORMS)
    check_schema("github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml")
    check_schema("dependabot", DEPENDABOT)
    compose = "docker-compose.yml"
    check_schema("compose-spec", ROOT / compose, EXAMPLES / compose)


def test_hadolint_has_no_findings() -> None:
    """Hadolint finds nothing in the Dockerfiles."""
    lint("hadolint", files=[ROOT / "Dockerfile", EXAMPLES / "Dockerfile"])


def test_workflows_start_without_permissions() -> None:
    """A workflow has no permissions; each job declares its own, read-only on contents."""
    offenders = []
    for workflow in WORKFLOWS:
        content = load(workflow)
        if content["permissions"] != {}:
            offenders.append(workflow.stem)
        offenders += [
            f"{workflow.stem}.{name}"
            for name, job in content["jobs"].items()
            if job["permissions"].get("contents") != "read"
        ]
    assert WORKFLOWS
    assert offenders == []


def test_jobs_have_a_timeout() -> None:
    """Every job has a timeout of its own."""
    offenders = [
        f"{workflow.stem}.{name}"
        for workflow in WORKFLOWS
        for name, job in load(workflow)["jobs"].items()
        if "timeout-minutes" not in job
    ]
    assert offenders == []


def test_actions_are_pinned() -> None:
    """Every action is pinned to a commit, with its version in a comment."""
    pinned = re.compile(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    actions = [
        action
        for workflow in WORKFLOWS
        for action in re.findall(r"uses: (.+)", workflow.read_text())
    ]
    assert actions
    assert [action for action in actions if not pinned.fullmatch(action)] == []


def test_pull_request_sees_no_secret() -> None:
    """A job with a secret has a protected environment and does not run for a pull request."""
    offenders, with_secret = [], 0
    for workflow in WORKFLOWS:
        content = load(workflow)
        is_for_pull_requests = "pull_request" in content[True]
        for name, job in content["jobs"].items():
            if "secrets." not in yaml.safe_dump(job):
                continue
            with_secret += 1
            is_excluded = not is_for_pull_requests or "!= 'pull_request'" in job.get("if", "")
            if "environment" not in job or not is_excluded:
                offenders.append(f"{workflow.stem}.{name}")
    assert with_secret
    assert offenders == []


def test_unit_tests_run_on_every_supported_python() -> None:
    """CI's matrix begins with the version that pyproject.toml requires and has no gap."""
    job = load(GITHUB / "workflows" / "ci.yml")["jobs"]["python"]
    minors = [int(version.split(".")[1]) for version in job["strategy"]["matrix"]["python-version"]]
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert required == f">=3.{minors[0]}"
    assert minors == list(range(minors[0], 15))
    assert "pytest tests/connector" in job["steps"][-1]["run"]


def test_code_owners_has_every_folder() -> None:
    """Every folder with code has a line in CODEOWNERS, and every line has an existing folder."""
    lines = (GITHUB / "CODEOWNERS").read_text().splitlines()
    paths = [line.split()[0] for line in lines if line and not line.startswith("#")]
    folders = {f"/{file.relative_to(ROOT).parts[0]}/" for file in ROOT.glob("[a-z]*/**/*.py")}
    generated = {"/build/", "/data/"}
    assert [path for path in paths[1:] if not (ROOT / path.strip("/")).is_dir()] == []
    assert sorted(folders - set(paths) - generated) == []


def test_dependabot_ignores_only_pinned_packages() -> None:
    """Dependabot reads every folder with Python pins and ignores only pinned packages."""
    [pip] = [
        update for update in load(DEPENDABOT)["updates"] if update["package-ecosystem"] == "pip"
    ]
    folders = {
        f"/{file.parent.relative_to(ROOT)}".removesuffix(".")
        for pattern in (
            "pyproject.toml",
            "klaviyo_connector/pyproject.toml",
            "requirements/*.txt",
            "simplyload/pyproject.toml",
        )
        for file in ROOT.glob(pattern)
    }
    assert folders == set(pip["directories"])
    pins = (ROOT / "pyproject.toml").read_text()
    names = [rule["dependency-name"] for rule in pip["ignore"]]
    assert [name for name in names if f'"{name}==' not in pins] == []


def test_the_deployment_passes_every_setting() -> None:
    """Each key of the configuration is a variable of the deploy workflow."""
    text = (GITHUB / "workflows" / "deploy.yml").read_text()
    assert [key for key in KEYS if f"KLAVIYO_{key.upper()}: ${{{{" not in text] == []
