"""The examples and the runbook: commands, settings and metrics that exist, and no root."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from simplyload.cli import app
from simplyload.config import Configuration, read_configuration
from simplyload.monitor.metrics import COUNTERS, GAUGES

FOLDER = Path(__file__).parents[2]
EXAMPLES = FOLDER / "examples"
RUNBOOK = (FOLDER / "docs" / "running.md").read_text()
DOCKERFILE = (EXAMPLES / "Dockerfile").read_text()
SERVICE = (EXAMPLES / "simplyload.service").read_text()
ANALYZE = shutil.which("systemd-analyze")
METRICS = {
    **{f"simplyload_{one.name}_total": one.labels for one in COUNTERS},
    **{f"simplyload_{one.name}": one.labels for one in GAUGES},
}


def read_compose() -> dict[str, Any]:
    """Read the service of the compose file."""
    content = yaml.safe_load((EXAMPLES / "docker-compose.yml").read_text())
    return dict(content["services"]["simplyload"])


def read_kubernetes() -> dict[str, dict[str, Any]]:
    """Read the manifests by kind."""
    documents = yaml.safe_load_all((EXAMPLES / "kubernetes.yml").read_text())
    return {document["kind"]: document for document in documents}


def read_pod() -> dict[str, Any]:
    """Read the pod of the CronJob."""
    job = read_kubernetes()["CronJob"]["spec"]["jobTemplate"]
    return dict(job["spec"]["template"]["spec"])


def read_text(text: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Read a configuration whose variables are set."""
    for name in re.findall(r"\$\{(\w+)\}", text):
        monkeypatch.setenv(name, "https://example.org/" if "WEBHOOK" in name else "value")
    path.write_text(text)
    return read_configuration(path)


def test_the_configurations_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the examples, and the sections that the runbook shows."""
    path = tmp_path / "simplyload.yml"
    shared = (EXAMPLES / "simplyload.yml").read_text()
    mapped = read_kubernetes()["ConfigMap"]["data"]["simplyload.yml"]
    [sections] = re.findall(r"```yaml\n(.*?)```", RUNBOOK, re.DOTALL)
    for text in (shared, mapped, f"{shared.partition('metrics:')[0]}{sections}"):
        configuration = read_text(text, path, monkeypatch)
        assert configuration.alerts.webhook
        assert configuration.alerts.max_lag
    assert read_text(shared, path, monkeypatch).metrics.port == 9464


def test_the_commands_exist() -> None:
    """Every command of the examples and of the runbook is one that the program accepts."""
    [started] = re.findall(r"^ExecStart=\S+/simplyload (.*)$", SERVICE, re.MULTILINE)
    [default] = re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)
    named = re.findall(r"[`\"]simplyload\s+([^`\"]+)[`\"]", RUNBOOK)
    commands = [started.split(), yaml.safe_load(default), read_compose()["command"]]
    commands += [read_pod()["containers"][0]["args"], *(words.split() for words in named)]
    assert len(commands) > 12
    for words in commands:
        app.parse_args(words, exit_on_error=False, print_error=False)


def test_the_metrics_exist_and_are_documented() -> None:
    """The runbook has each metric with its labels, and the rules use none that is not there."""
    documented = {
        name: labels.split(",")
        for name, labels in re.findall(r"^\| `(simplyload_\w+)\{(\S+)\}`", RUNBOOK, re.MULTILINE)
    }
    assert documented == METRICS
    groups = yaml.safe_load((EXAMPLES / "prometheus_rules.yml").read_text())["groups"]
    for rule in groups[0]["rules"]:
        used = set(re.findall(r"simplyload_\w+", rule["expr"]))
        assert used
        assert used <= set(METRICS)
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert labels <= {label for name in used for label in METRICS[name]}


def test_nothing_runs_as_root() -> None:
    """The image has a user, and each example bars it from more rights."""
    users = re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)
    assert int(users[-1]) > 0
    assert (read_compose()["cap_drop"], read_compose()["read_only"]) == (["ALL"], True)
    pod = read_pod()
    assert pod["securityContext"]["runAsNonRoot"]
    assert str(pod["securityContext"]["runAsUser"]) == users[-1]
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.read_string(SERVICE)
    assert service["Service"]["user"] == "simplyload"
    assert service["Service"]["nonewprivileges"] == "true"


def test_the_image_has_the_locked_versions() -> None:
    """The Dockerfile's list has every package of requirements.txt with its version."""
    [program] = re.findall(r"(sed .*?) > versions.txt", DOCKERFILE)
    command = ["/bin/sh", "-c", program]
    listed = subprocess.check_output(command, cwd=FOLDER, text=True)
    text = (FOLDER / "requirements.txt").read_text()
    assert listed.split() == re.findall(r"^([\w.-]+==\S+)", text, re.MULTILINE)


@pytest.mark.skipif(ANALYZE is None, reason="needs systemd")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """systemd-analyze has no complaint about the unit."""
    unit = tmp_path / "simplyload.service"
    unit.write_text(SERVICE.replace("/opt/simplyload/bin/simplyload", "/bin/true"))
    command = [str(ANALYZE), "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, unit.name in done.stderr) == (0, False), done.stderr


def test_the_links_of_the_runbook_lead_to_files() -> None:
    """Every link leads to a file of this folder."""
    links = re.findall(r"\]\(([^)#:]+)", RUNBOOK)
    assert links
    assert [link for link in links if not (FOLDER / "docs" / link).exists()] == []
