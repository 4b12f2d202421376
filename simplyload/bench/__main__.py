"""Measures SimplyLoad and other tools in one run on one machine."""

import argparse
import compileall
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg2.extensions import make_dsn

from bench import data, four, tasks
from bench.measure import Cost, measure
from bench.report import OWN, Result, describe_machine, render, replace_parts
from bench.tasks import Task
from bench.tools import PACKAGE, Command, SimplyLoad, Work
from simplyload.demo.server import run_server

DOCUMENT = Path(__file__).parents[1] / "docs" / "bench.md"
NOTES = Path(__file__).parent / "notes.md"
OUTPUT = "output.txt"
DURATION = re.compile(r"duration: ([\d.]+) ms")


class Bench:
    """One server with its log, and the folders in which the tools work."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn, self.folder = dsn, folder
        data.execute(
            dsn,
            "alter database postgres set log_min_duration_statement = 20",
            "create database target",
        )

    def run(self, task: Task, commands: Mapping[str, Command]) -> Iterator[Result]:
        """Prepare a task, then measure each tool."""
        data.make_orders(self.dsn, task.table, task.rows)
        works = {tool: self._make_work(task, tool) for tool in commands}
        for tool in task.prepared:
            if tool in commands:
                self._run(commands[tool], works[tool])
        task.change(self.dsn)
        if task.rehearsal:
            self._run(task.rehearsal, self._make_work(task, "rehearsal"))
        for tool, command in commands.items():
            with self._longest_statement() as durations:
                cost = self._run(command, works[tool])
            print(f"{task.title} | {tool} | {cost}", file=sys.stderr, flush=True)
            statement = max(durations, default=0) / 1000
            count = task.count or _count_rows(works[tool].folder / OUTPUT)
            yield Result(task=task.title, tool=tool, count=count, cost=cost, statement=statement)

    def _make_work(self, task: Task, tool: str) -> Work:
        name = re.sub(r"\W+", "_", f"{task.title} {tool}")
        folder = self.folder / name
        folder.mkdir()
        return Work(self.dsn, task.table, folder)

    @staticmethod
    def _run(command: Command, work: Work) -> Cost:
        environment = {"PYTHONPATH": str(PACKAGE)} if isinstance(command, SimplyLoad) else {}
        return measure(command(work), work.folder / OUTPUT, environment)

    @contextmanager
    def _longest_statement(self) -> Iterator[list[float]]:
        """Collect the milliseconds that the server's log states for statements."""
        log = self.folder / "data" / "log"
        begin = log.stat().st_size
        durations: list[float] = []
        yield durations
        with log.open() as file:
            file.seek(begin)
            durations += map(float, DURATION.findall(file.read()))


def _count_rows(output: Path) -> int:
    """Add up the rows that `sync` says it wrote."""
    lines = (json.loads(line) for line in output.read_text().splitlines() if line[:1] == "{")
    return sum(line["rows"] for line in lines if "lag_seconds" in line and "error" in line)


def choose(
    options: argparse.Namespace, target_dsn: str
) -> Iterator[tuple[Task, dict[str, Command]]]:
    """Give the chosen tasks with the tools that are to do them."""
    rows = [int(number) for number in options.rows.split(",")]
    listed = [task for number in rows for task in tasks.list_copies(number, target_dsn)]
    listed += [tasks.stream(options.changes), tasks.poll(rows[0], options.polled)]
    for task in listed:
        if re.search(options.only, task.title):
            rivals = options.rivals and task.rows <= options.rivals_rows
            yield task, {t: c for t, c in task.commands.items() if t == OWN or rivals}
    if re.search(options.only, four.TITLE):
        with four.run_accounts(options.orders) as accounts:
            task = four.load_four(rows[0], accounts)
            yield task, dict(task.commands)


def read_options() -> argparse.Namespace:
    """Read the command line; the defaults are the full run, which takes half an hour."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("--rows", default="1000000,10000000", help="sizes of the copied tables")
    parser.add_argument("--changes", type=int, default=400_000, help="changes to stream")
    parser.add_argument("--polled", type=int, default=1_000, help="changed rows to poll")
    parser.add_argument(
        "--orders", type=int, default=3_000, help="orders that Stripe and Salesforce know"
    )
    parser.add_argument("--only", default="", help="a pattern of the tasks' titles")
    parser.add_argument("--rivals", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--rivals-rows", type=int, default=1_000_000, help="the largest table that rivals copy"
    )
    parser.add_argument("--write", action="store_true", help=f"write docs/{DOCUMENT.name}")
    return parser.parse_args()


def main() -> None:
    """Run, print the document, and write it if that is asked for."""
    options = read_options()
    compileall.compile_dir(PACKAGE, quiet=1)  # as pip does with what it installs
    with TemporaryDirectory() as name, run_server(Path(name) / "data") as dsn:
        bench = Bench(dsn, Path(name))
        results = [
            result
            for task, commands in choose(options, make_dsn(dsn, dbname="target"))
            for result in bench.run(task, commands)
        ]
    load = os.getloadavg()[2]
    document = render(describe_machine(), load, results, NOTES.read_text())
    if options.only and DOCUMENT.exists():  # the other tables stay as they were measured
        document = replace_parts(DOCUMENT.read_text(), load, results, NOTES.read_text())
    print(document)
    if options.write:
        DOCUMENT.write_text(document)


if __name__ == "__main__":
    main()
