"""What goes wrong in replication, and the tests that it does not go wrong here.

A test names the faults that it holds off: `test_r7_…`, `test_a26_a27_…`. `python -m tests.faults`
writes docs/faults.md from these names, their docstrings, and the results that pytest left in
build/results*.xml (`--junit-xml`).
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

TESTS = Path(__file__).parent
ROOT = TESTS.parent
DOCUMENT = ROOT / "docs" / "faults.md"
NAME = re.compile(r"test_((?:(?:[rawj]|st|sf|su)\d+_)+)")

FAULTS = {
    "R1": "SIGKILL at any instant, 50 times for each source and destination",
    "R2": "a kill between MERGE and state where there is no transaction",
    "R3": "two runs at once, one of them stale",
    "R4": "the slot is released beyond what is committed",
    "R5": "a copy is killed near its end",
    "R6": "rows change while they are copied: deletes, keys, large values",
    "R7": "a large value (TOAST) that did not change is not sent",
    "R8": "the key changes, and a large value is not sent",
    "R9": "truncate, then insert, in one batch",
    "R10": "a column is added with a default: no row is sent",
    "R11": "a column is widened, narrowed, dropped, renamed",
    "R12": "rows move between partitions",
    "R13": "generated columns",
    "R14": "a published table without replica identity breaks the application",
    "R15": "the slot is lost",
    "R16": "a late commit below the watermark of a poll",
    "R17": "5,000 rows share one cursor value",
    "R18": "the cursor is NULL",
    "R19": "hard deletes while polling",
    "R20": "NaN, infinity, odd years, unbounded numerics, arrays, enums, domains, large documents",
    "R21": "reserved, mixed-case and non-Latin names, 260 columns, in four dialects",
    "R22": "an object store answers 500 or 503, slowly, or 403 in the middle of an upload",
    "R23": "the destination is down for an hour",
    "R24": "the disk is full",
    "R25": "a COPY is run again",
    "R26": "Stripe: an object is deleted before its event is read",
    "R27": "Salesforce: recycle bin, restored rows, merges, formulas, the API limit",
    "R28": "429 and 5xx",
    "R29": "one bad row among good ones",
    "R30": "SIGTERM",
    "R31": "retention meets what is not confirmed",
    "R32": "a destination is lost",
    "R33": "a secret in logs, files or metrics",
    "R34": "the clock goes back by an hour",
    "R35": "a setting is wrong",
    "A1": "the slot keeps log for tables that are not published",
    "A2": "the driver confirms positions on a quiet table",
    "A3": "a table joins or leaves the publication",
    "A4": "a table is renamed",
    "A5": "partitions are published under their own names",
    "A6": "an unlogged table",
    "A7": "savepoints that are rolled back",
    "A8": "a transaction larger than memory",
    "A9": "a load that is longer than the server's timeout",
    "A10": "the slot is still held by a dead run",
    "A11": "a standby is promoted, or the server is upgraded",
    "A12": "a table without a key",
    "A13": "a role that may only read sees no constraints",
    "A14": "the replica identity is another index than the primary key",
    "A15": "the primary key changes",
    "A16": "TRUNCATE CASCADE reaches a published child",
    "A17": "set-up without the rights leaves half of it",
    "A18": "a standby cancels long statements",
    "A19": "the role has timeouts and a search path",
    "A20": "a pooler in front of the server",
    "A21": "passwords with special characters",
    "A22": "rows are stamped at the start of a long transaction",
    "A23": "cursor values lose digits",
    "A24": "keys are compared outside the server",
    "A25": "a cursor without an index",
    "A26": "money differs between copy and stream",
    "A27": "binary forms of bit, range, inet and the like",
    "A28": "infinity and years that no warehouse holds",
    "A29": "numerics without a scale",
    "A30": "enums, domains, unknown messages",
    "A31": "JSON is parsed and rewritten",
    "A32": "empty text and NULL become one",
    "A33": "one value is too long",
    "A34": "a daylight-saving gap; zones of server and session",
    "A35": "an update to NULL is skipped by the fold",
    "A36": "one key twice in a batch",
    "A37": "an idle run wakes the warehouse",
    "A38": "DDL commits a half-done transaction",
    "A39": "COPY loads fewer rows than were written",
    "A40": "grants and views are lost by a re-copy",
    "A41": "a re-copy dies half-way",
    "A42": "killed loads leave temporary tables",
    "A43": "a column that a view uses is widened",
    "A44": "a dropped column, a changed setting",
    "A45": "names that differ in case alone, or have odd characters",
    "A46": "limits of BigQuery",
    "A47": "a stage keeps the URL of an earlier bucket",
    "A48": "a second run while one is active",
    "A49": "a row is deleted and inserted again",
    "A50": "TLS on one connection and not on the other",
    "W1": "what no row above names: random workloads, with SIGKILLs",
    "J1": "our own decoder is wrong: Debezium is the judge",
    "J2": "our own reader of Klaviyo is wrong: plain requests are the judge",
    "J3": "our own Stripe is wrong: the official client and localstripe are the judges",
    "J4": "our own Salesforce is wrong: the usual client is the judge",
    "ST1": "a change long after the creation, and no list can be asked for changes",
    "ST2": "a column is invented for the time of a change",
    "ST3": "events come newest first, and a kill parts their pages",
    "ST4": "an event becomes visible late",
    "ST6": "an empty page says that more follow",
    "ST7": "the object after which the next page begins is deleted",
    "ST9": "no run for longer than Stripe keeps events",
    "ST11": "events are in the form of another version",
    "ST13": "a field is an id here and an object there",
    "ST14": "an answer lacks fields that another had",
    "ST16": "an object is deleted: a stub, or nothing, is left",
    "ST17": "a list leaves objects out by default",
    "ST18": "a request takes 20 types of events",
    "ST21": "an invoice has more lines than it shows",
    "ST22": "a subscription has more items than it shows, and they have no events",
    "ST25": "usage records are gone at the pinned version",
    "ST26": "connected accounts",
    "ST28": "a limit is full, for a while or for long",
    "ST29": "currencies without cents",
    "ST31": "a balance transaction is pending, and has no events",
    "ST32": "which transactions a payout consists of; payouts that fail late",
    "ST34": "a refund fails weeks later; a charge shows none",
    "ST37": "a price that is also a plan",
    "ST38": "the search lags behind",
    "ST39": "the key lacks a permission",
    "ST40": "a permission is withdrawn: lists look empty",
    "ST41": "lists and events lead to different tables",
    "ST42": "two events of one second",
    "SF1": "a row becomes visible after others with a newer stamp",
    "SF2": "a bulk load gives 40,000 rows one stamp",
    "SF3": "a row is stamped at the bound of two reads",
    "SF4": "an object is added years later",
    "SF5": "a formula changes, and no stamp moves",
    "SF7": "a refresh has some of the columns",
    "SF9": "a query hides what is in the recycle bin",
    "SF10": "the recycle bin is emptied between runs, or the log of deletions purged",
    "SF13": "two records are merged",
    "SF14": "the user may not read some fields",
    "SF16": "compound fields: addresses, locations",
    "SF17": "a reference to one of several objects",
    "SF18": "the daily number of Bulk jobs is used up",
    "SF19": "the locator of a Bulk result",
    "SF20": "a field is deleted or added while a run goes on",
    "SF21": "a field or an object is renamed",
    "SF22": "a session expires within a query",
    "SF23": "a client loses its headers when it tries again",
    "SF24": "line ends, quotes and 131,072 characters",
    "SF26": "text that is not Latin",
    "SF27": "text that looks like a number or like nothing",
    "SF28": "empty text, day, checkbox",
    "SF31": "the org's API requests are used up",
    "SF32": "the login leads to another org, or nowhere",
    "SF33": "objects without SystemModstamp",
    "SF35": "a Bulk job fails",
    "SF36": "an object of 800 fields or more: too long for an address or a query",
    "SF37": "millions of rows, and objects that no chunking supports",
    "SF39": "files in a field",
    "SF42": "a picklist value is renamed",
    "SF43": "several currencies are switched on later",
    "SF45": "a user has more than ten open cursors",
    "SU1": "a password that YAML or a shell would read otherwise",
    "SU3": "thousands of loads and of different errors in the metrics",
    "SU4": "a source that refuses run after run, one table of several that fails",
    "SU6": "a start date that is no date, a selection that chooses nothing",
    "SU7": "retention meets files that are not loaded yet",
    "SU9": "left-overs of a failed COPY in a stage",
}
UNTESTED: dict[str, str] = {}
HEAD = """# What goes wrong, and what happens here

`make load-chaos` writes this file from the names and docstrings of the tests, and from the results
of its run. R are rows of reliability, A are failures of other tools that users reported, W are
random workloads, J are judges that share no code with SimplyLoad, ST and SF are reports about
Stripe and Salesforce, SU about settings, metrics and files.

| id | fault | promise | test | last run |
|---|---|---|---|---|
"""
RIVALS = """
## In other tools

Each is a test that shows the fault in the other tool, in an environment of its own.

| id | fault in the other tool | last run |
|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A test that names faults: where it is and what it promises."""

    name: str
    file: Path
    promise: str

    @property
    def ids(self) -> list[str]:
        """Give the faults that its name states, without leading zeros."""
        match = NAME.match(self.name)
        parts = match[1].strip("_").split("_") if match else []
        return [
            f"{letters.upper()}{int(digits)}"
            for letters, digits in (re.findall(r"([a-z]+)(\d+)", part)[0] for part in parts)
        ]

    @property
    def is_of_rival(self) -> bool:
        """Tell whether it shows a fault of another tool."""
        return self.file.parent.name == "rivals"


@cache
def find_tests() -> list[Found]:
    """Read the names and docstrings of all tests that name a fault."""
    return [
        Found(name=node.name, file=file, promise=" ".join((ast.get_docstring(node) or "").split()))
        for file in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and NAME.match(node.name)
    ]


def read_results() -> Mapping[tuple[str, str], Counter[str]]:
    """Count the outcomes of each test, by file and name, in what pytest left; later files win."""
    results: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for file in sorted((ROOT / "build").glob("results*.xml")):
        for case in ET.parse(file).iter("testcase"):  # noqa: S314 - pytest wrote it
            name, _, _ = case.get("name", "").partition("[")
            module = case.get("classname", "").rpartition(".")[2]
            outcomes = {child.tag for child in case}
            outcome = "failed" if outcomes & {"failure", "error"} else "passed"
            if "skipped" not in outcomes:
                results[module, name][case.get("name", "")] = outcome
    return {key: Counter(outcomes.values()) for key, outcomes in results.items()}


def render() -> Iterator[str]:
    """Give the document, line by line."""
    tests, results = find_tests(), read_results()
    yield HEAD
    for fault, what in FAULTS.items():
        own = [test for test in tests if fault in test.ids and not test.is_of_rival]
        if not own:
            yield f"| {fault} | {what} | {UNTESTED.get(fault, '')} | none | |\n"
        for number, test in enumerate(own):
            begin = f"| {fault} | {what} |" if number == 0 else "| | |"
            link = f"[{test.file.stem}](../{test.file.relative_to(ROOT)})"
            yield f"{begin} {test.promise} | {link} | {_describe(test, results)} |\n"
    yield RIVALS
    for test in tests:
        if test.is_of_rival:
            yield f"| {', '.join(test.ids)} | {test.promise} | {_describe(test, results)} |\n"


def _describe(test: Found, results: Mapping[tuple[str, str], Counter[str]]) -> str:
    counts = results.get((test.file.stem, test.name))
    if counts is None:
        return "not run"
    return ", ".join(f"{outcome} ({count})" for outcome, count in sorted(counts.items()))


if __name__ == "__main__":
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text("".join(render()))
    print(f"wrote {DOCUMENT.relative_to(ROOT)}")
