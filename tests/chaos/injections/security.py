"""X: secrets, personal data and a hostile environment."""

import json

from api import ConfigurationError, KlaviyoError
from tests import fivetran, secret_scan
from tests.chaos.fault_case import FaultCase
from tests.chaos.fault_patterns import PAGED
from tests.chaos.runs import KEY, DebugSandboxRun, SandboxRun
from tests.fivetran_cli import package
from tests.raw_server import EMPTY_RESPONSE, serve

OTHER_KEY = "pk_0therb8a17needle5c20f9e3d64"
DETAIL = json.dumps({"errors": [{"detail": f"there is no account of {KEY}"}]}).encode()
QUOTE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%b" % (len(DETAIL), DETAIL)
FUNCTION = "def sync_resource("  # of the connector's streams/resources.py
CRASH = "sync_resource = 1 / 0\n\n\n" + FUNCTION


def package_connector(run: DebugSandboxRun) -> None:
    """Package the connector after a sync: the zip and the files beside it are searched too."""
    run.sync()
    package(run.project)


def quote_key(run: DebugSandboxRun) -> None:
    """Quote the key in Klaviyo's error: the message has it masked."""
    with serve(QUOTE) as server:
        run.url, url = server.url, run.url
        run.sync(KlaviyoError, r"there is no account of \*\*\*")
    run.url = url
    run.sync()


def crash(run: DebugSandboxRun, keys: str) -> None:
    """Crash the connector: the report, which shows the variables of every frame, shows no key."""
    run.configure(api_key=keys)
    fivetran.alter(run.project, "streams/resources.py", FUNCTION, CRASH)
    assert run.finish(run.start()) == 1
    assert "ZeroDivisionError" in run.output[-1]
    fivetran.alter(run.project, "streams/resources.py", CRASH, FUNCTION)
    run.configure(api_key=KEY)
    run.sync()
    assert secret_scan.find_leaks(run.texts(), secret_scan.key_forms(OTHER_KEY)) == []


def lead_elsewhere(run: SandboxRun, link: str) -> None:
    """Lead every next page to another host: it gets no connection, as only cursors are used."""
    with serve(EMPTY_RESPONSE) as other:
        address = other.url.removeprefix("http://")
        run.sandbox.fault("foreign_next", path=PAGED, host=link.format(address=address))
        run.sync()
        assert other.connections == 0


def set_hostile_environment(run: DebugSandboxRun) -> None:
    """Set a .netrc for every host, proxies and certificates: the requests are the same."""
    home = run.project.parent / "home"
    home.mkdir(exist_ok=True)
    netrc = home / ".netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    with serve(EMPTY_RESPONSE) as proxy:
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy")
        run.environment = {
            **dict.fromkeys(names, proxy.url),
            "NO_PROXY": "",
            "no_proxy": "",
            "NETRC": str(netrc),
            "REQUESTS_CA_BUNDLE": "/nowhere.pem",
            "SSLKEYLOGFILE": str(home / "keys.log"),
        }
        run.sync()
        assert proxy.connections == 0
    assert {200} == {request["status"] for request in run.sandbox.log()}


def wrong(name: str, message: str, url: str = "", **settings: str) -> FaultCase:
    """A case with wrong settings: the run fails before any request, and prints no long value."""

    def misconfigure(run: DebugSandboxRun) -> None:
        run.configure(**settings)
        run.url = url or run.url
        run.sync(KlaviyoError, message)
        assert not run.sandbox.log()
        shown = [value for value in settings.values() if value in run.output[-1]]
        assert [value for value in shown if len(value) > 20] == []
        run.baseline = {}  # nothing is loaded

    return FaultCase(name, misconfigure)


def inject_filter(run: SandboxRun, setting: str, value: str) -> None:
    """Set a value that would change the meaning of a filter: it reaches none."""
    configuration = run.loader.configuration
    run.configure(**{setting: value})
    run.sync(ConfigurationError, setting)
    assert not any("or%28" in request["query"] for request in run.sandbox.log())
    run.loader.configuration = configuration
    run.recover()
