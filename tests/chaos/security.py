"""X: secrets, people and hostile surroundings."""

import json
from collections.abc import Callable

from api import ConfigurationError

from tests import fivetran, needles
from tests.chaos.row import Case, Row, quick
from tests.chaos.striking import PAGED
from tests.chaos.trial import KEY, Clean, DebuggedOnSandbox, OnSandbox
from tests.fivetran_cli import package
from tests.raw_server import serve

OTHER = "pk_0therb8a17needle5c20f9e3d64"
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
WORDS = json.dumps({"errors": [{"detail": f"there is no account of {KEY}"}]}).encode()
QUOTING = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%b" % (len(WORDS), WORDS)


def debugged(name: str, happen: Callable[[DebuggedOnSandbox], None]) -> Case:
    """A case in the real process, which asks twice instead of six times."""

    def impatient(trial: DebuggedOnSandbox) -> None:
        fivetran.alter(trial.project, "asking.py", "ATTEMPTS = 6", "ATTEMPTS = 2")
        happen(trial)

    return Case(name, impatient, stage="debug")


def packed(trial: DebuggedOnSandbox) -> None:
    """After a good sync a package is made: it is searched too, with all that lies around."""
    trial.sync()
    package(trial.project)


def quoted(trial: DebuggedOnSandbox) -> None:
    """Klaviyo's own words go into the error without the key in them."""
    with serve(QUOTING) as server:
        trial.url, url = server.url, trial.url
        trial.sync(1, r"there is no account of \*\*\*")
    trial.url = url
    trial.sync()


def crashed(keys: str) -> Callable[[DebuggedOnSandbox], None]:
    """A fault of ours, whose report shows the variables of every frame, shows no key."""

    def happen(trial: DebuggedOnSandbox) -> None:
        module = (trial.project / "listings.py").read_text()
        broken = module.replace("def sync_listing(", "sync_listing = 1 / 0\n\n\ndef sync_listing(")
        assert broken != module
        trial.configuration = {**trial.configuration, "api_key": keys}
        (trial.project / "listings.py").write_text(broken)
        process = trial.start()
        trial.note("".join(process.communicate()), process.returncode)
        assert process.returncode == 1
        assert "ZeroDivisionError" in trial.printed[-1]
        (trial.project / "listings.py").write_text(module)
        trial.configuration = {**trial.configuration, "api_key": KEY}
        trial.sync()
        assert not list(needles.found(trial.said(), needles.forms(OTHER)))

    return happen


def failing(fault: str) -> Case:
    """A sync that fails tells nothing, nor does its asking again."""

    def happen(trial: DebuggedOnSandbox) -> None:
        trial.sandbox.fault(fault)
        trial.sync(1)
        trial.sandbox.clear_faults()
        trial.sync()

    return debugged(f"failing by {fault}", happen)


def elsewhere(label: str, link: str) -> Case:
    """Only the cursor of a link is used: the pages come from Klaviyo, all of them."""

    def happen(trial: OnSandbox) -> None:
        with serve(NOTHING) as other:
            address = other.url.removeprefix("http://")
            trial.fault("foreign_next", path=PAGED, host=link.format(address=address))
            trial.sync()
            assert other.connections == 0

    return Case(label, happen)


def hostile(trial: DebuggedOnSandbox) -> None:
    """A .netrc for every host, proxies and certificates of the environment change nothing."""
    home = trial.project.parent / "home"
    home.mkdir(exist_ok=True)
    netrc = home / ".netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    with serve(NOTHING) as proxy:
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy")
        trial.environment = {
            **dict.fromkeys(names, proxy.url),
            "NO_PROXY": "",
            "no_proxy": "",
            "NETRC": str(netrc),
            "REQUESTS_CA_BUNDLE": "/nowhere.pem",
            "SSLKEYLOGFILE": str(home / "keys.log"),
        }
        trial.sync()
        assert proxy.connections == 0
    assert {200} == {one["status"] for one in trial.sandbox.log()}


def misconfigured(name: str, line: str, url: str = "", **wrong: str) -> Case:
    """Exit 1 before any request; one line names the field, not its value."""

    def happen(trial: DebuggedOnSandbox) -> None:
        trial.configuration = {**trial.configuration, **wrong}
        trial.url = url or trial.url
        trial.sync(1, line)
        assert not trial.sandbox.log()
        assert not any(len(value) > 20 and value in trial.printed[-1] for value in wrong.values())
        trial.clean = Clean({})  # nothing was loaded, and nothing should be

    return Case(name, happen, stage="debug")


def injected(field: str, value: str) -> Case:
    """What would change the meaning of a filter never reaches one."""

    def happen(trial: OnSandbox) -> None:
        good = trial.loader.configuration
        trial.loader.configuration = {**good, field: value}
        trial.sync(ConfigurationError, field)
        assert not any("or%28" in one["query"] for one in trial.sandbox.log())
        trial.loader.configuration = good
        trial.recover()

    return quick(Case(field, happen))


ROWS = [
    Row(
        "X1",
        "the key, in a good sync, a failing one, an answer that quotes it, a crash of ours",
        "in no output, state, table, crash report or package (searched for in every row)",
        [
            debugged("packed", packed),
            debugged("quoted", quoted),
            debugged("crash", crashed(KEY)),
            debugged("crash with two keys", crashed(f"{KEY}, {OTHER}")),
            *map(failing, ("500", "html403", "redirect")),
        ],
    ),
    Row(
        "X2",
        "e-mail addresses and phone numbers of people",
        "in no output, state or table about syncs (searched for in every row)",
        [failing("no_data")],
    ),
    Row(
        "X3",
        "links.next on another host, by any spelling",
        "the other host gets no connection; every page comes from Klaviyo",
        [
            quick(elsewhere("another host", "http://{address}")),
            elsewhere("https", "https://{address}"),
            quick(elsewhere("user info", "http://a.klaviyo.com@{address}")),
            quick(elsewhere("no scheme", "//{address}")),
            elsewhere("IPv6", "http://[::1]:9"),
            elsewhere("up and down", "http://{address}/../.."),
            elsewhere("10 kB", "http://{address}/" + "x" * 10_000),
        ],
        "Airbyte and tap-klaviyo: send the key there, exit 0, 78 to 206 lost",
    ),
    Row(
        "X4",
        "the environment has a .netrc, proxies, a certificate bundle and SSLKEYLOGFILE",
        "nothing of it is used",
        [Case("all of them", hostile, stage="debug")],
    ),
    Row(
        "X5",
        "settings that are empty, malformed or unknown; an address that is not this machine's",
        "exit 1 before any connection; one line names the field, and not the key",
        [
            misconfigured("empty key", "api_key is empty: enter", api_key=""),
            misconfigured("spaced key", "api_key is malformed", api_key=f"{KEY} {OTHER}"),
            quick(
                misconfigured("broken key", "api_key is malformed", api_key=f"{KEY}\r\nX-Evil: 1")
            ),
            misconfigured(
                "Bearer", "api_key is malformed: .* begins with pk_", api_key=f"Bearer {KEY}"
            ),
            quick(
                misconfigured("unknown", "unknown configuration key 'apikey'; known", apikey=KEY)
            ),
            misconfigured("table", "tables: unknown table 'campaigns'; ", tables="campaigns"),
            misconfigured("date", "start_date must be a past date such", start_date="yesterday"),
            misconfigured("number", "concurrency must be a whole number", concurrency="many"),
            *(
                misconfigured(
                    f"address {url.split('/')[2]}",
                    "KLAVIYO_BASE_URL may only name a",
                    url=url,
                )
                for url in (
                    "http://169.254.169.254/",
                    "http://klaviyo.invalid",
                    "http://127.0.0.1@evil.example",
                )
            ),
        ],
    ),
    Row(
        "X6",
        "settings that would change a filter",
        "refused; what goes into a filter is a time or an id of Klaviyo's",
        [
            injected("start_date", "2026-01-01),or(equals(id,1)"),
            injected("event_metrics", 'Placed Order"),or(equals(id,"1"'),
        ],
    ),
    Row(
        "X7",
        "keys, states, data and tests lie in the connector's folder when it is packed",
        "the package holds the connector's files alone",
        shown="tests/test_package.py::test_the_package_holds_the_connector_alone",
    ),
]
