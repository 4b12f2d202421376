"""The examples and the runbook: commands, settings and metrics that exist, and no root."""

import configparser
import inspect
import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from botocore.session import Session
from botocore.validate import ParamValidator

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
    **{f"simplyload_{counter.name}_total": counter.labels for counter in COUNTERS},
    **{f"simplyload_{gauge.name}": gauge.labels for gauge in GAUGES},
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


def read_ecs(file: str) -> dict[str, Any]:
    """Read the request of an example for ECS."""
    return dict(yaml.safe_load((EXAMPLES / file).read_text()))


class Contract:
    """A class of Airflow as it was recorded: it takes the arguments that the real one names."""

    made: list[tuple[str, dict[str, Any]]]

    def __init__(self, name: str, made: list[tuple[str, dict[str, Any]]]) -> None:
        known = json.loads((Path(__file__).parent / "airflow_contract.json").read_text())
        self._name, self._known, self.made = name, set(known[name]), made

    def __call__(self, **arguments: Any) -> "Contract":
        """Note an object; TypeError for an argument that Airflow does not know."""
        if unknown := arguments.keys() - self._known:
            raise TypeError(f"{self._name} has no argument {unknown}")
        self.made.append((self._name, arguments))
        return self

    def __enter__(self) -> None:
        """Begin a DAG."""

    def __exit__(self, *_: object) -> None:
        """End a DAG."""


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """Run the example for Airflow on the recorded contract; give what it makes, by class."""
    made: list[tuple[str, dict[str, Any]]] = []
    for path in ("airflow.sdk.DAG", "airflow.providers.standard.operators.bash.BashOperator"):
        package, _, name = path.rpartition(".")
        module = ModuleType(package)
        setattr(module, name, Contract(name, made))
        monkeypatch.setitem(sys.modules, package, module)
    runpy.run_path(str(EXAMPLES / "airflow_dag.py"))
    return {kind: [arguments for name, arguments in made if name == kind] for kind, _ in made}


def test_amazons_client_accepts_the_requests_for_ecs() -> None:
    """Each field of task and schedule is one of the API, with a value of its type."""
    for service, operation, file in (
        ("ecs", "RegisterTaskDefinition", "ecs_task.yml"),
        ("scheduler", "CreateSchedule", "ecs_schedule.yml"),
    ):
        shape = Session().get_service_model(service).operation_model(operation).input_shape
        report = ParamValidator().validate(read_ecs(file), shape)
        assert not report.has_errors(), report.generate_report()
        report = ParamValidator().validate({**read_ecs(file), "nname": 1}, shape)
        assert report.has_errors()


def test_the_schedule_starts_the_container_of_the_task() -> None:
    """Schedule and task are of one name, the command exists, and secrets are in no field."""
    task, target = read_ecs("ecs_task.yml"), read_ecs("ecs_schedule.yml")["Target"]
    [container] = task["containerDefinitions"]
    assert target["EcsParameters"]["TaskDefinitionArn"].endswith(f"/{task['family']}")
    [override] = json.loads(target["Input"])["containerOverrides"]
    assert override["name"] == container["name"]
    for words in (container["command"], override["command"]):
        app.parse_args(words, exit_on_error=False, print_error=False)
    named = {variable["name"] for variable in [*container["environment"], *container["secrets"]]}
    assert named == set(re.findall(r"\$\{(\w+)\}", (EXAMPLES / "simplyload.yml").read_text()))
    secret = {secret["name"] for secret in container["secrets"]}
    assert secret == {name for name in named if re.search("PASSWORD|WEBHOOK", name)}
    assert str(container["user"]) == re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert container["readonlyRootFilesystem"]
    assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
    volumes = {volume["name"] for volume in task["volumes"]}
    assert {mount["sourceVolume"] for mount in container["mountPoints"]} == volumes


def test_the_dag_has_a_task_for_each_stream(airflow: dict[str, list[dict[str, Any]]]) -> None:
    """The example takes arguments that Airflow has, and its commands exist; 69, 75 do not fail."""
    [dag] = airflow["DAG"]
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
    for task in airflow["BashOperator"]:
        program, _, words = task["bash_command"].partition(" ")
        assert program.endswith("/simplyload")
        app.parse_args(words, exit_on_error=False, print_error=False)
        assert words.endswith(f"--select {task['task_id']}")
        assert (task["skip_on_exit_code"], task["retries"]) == ([69, 75], 0)


def test_the_contract_is_that_of_airflow() -> None:
    """Where Airflow is installed, its classes have the arguments that were recorded."""
    sdk = pytest.importorskip("airflow.sdk", reason="Airflow is not installed")
    bash = pytest.importorskip("airflow.providers.standard.operators.bash")
    known = json.loads((Path(__file__).parent / "airflow_contract.json").read_text())
    for operator in (sdk.DAG, bash.BashOperator):
        assert set(known[operator.__name__]) <= set(list_arguments(operator))


def list_arguments(of: type) -> list[str]:
    """List the arguments that a class takes by name, its bases' too."""
    return sorted(
        {
            name
            for kind in of.__mro__
            if "__init__" in vars(kind)
            for name in inspect.signature(vars(kind)["__init__"]).parameters
        }
    )


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
