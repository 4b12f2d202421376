"""The benchmark's document: one table for each task, then what was aimed at."""

import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bench.measure import Cost

HEAD = """# Speed beside other tools

`make load-bench` writes this file in one run on one machine. The costs are those of the tool's
process tree, start and imports included; PostgreSQL's own work is not counted. CPU is user and
system time, memory the peak of resident megabytes, and *statement* the longest that the source
executed for the tool. A merge is a table with one row a key; tools that only write Parquet or JSON
are marked, for they do less.
"""
OWN = "SimplyLoad"
DLT_PYARROW = "dlt, pyarrow backend"
DLT_ADBC = "dlt, fed with ADBC batches"
FLOOR = "DuckDB's postgres extension (the floor)"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one tool needed for one task, whose size is in rows or changes."""

    task: str
    tool: str
    count: int
    cost: Cost
    statement: float = 0


def describe_machine() -> str:
    """Name the processor, cores, memory and what else kept the machine busy."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = re.findall(r"model name\s*: (.+)", text) or [platform.processor() or "unknown"]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{models[0]}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()},"
        f" Python {platform.python_version()}"
    )


def render(machine: str, load: float, results: Sequence[Result], notes: str) -> str:
    """Give the whole document."""
    lines = [HEAD, f"Machine: {machine}. Load average during the run: {load:.1f}.", ""]
    for task, group in groupby(results, key=lambda result: result.task):
        lines += [f"## {task}", "", *_render_task(list(group)), ""]
    aims = list(render_aims(results))
    if aims:
        lines += ["## Aims", "", "| aim | measured | met |", "|---|---|---|", *aims, ""]
    return "\n".join([*lines, notes])


def replace_parts(document: str, load: float, results: Sequence[Result], notes: str) -> str:
    """Give the document with these tables in place of its own or before the aims, and the notes."""
    document = document.partition(notes.partition("\n")[0])[0] + notes
    for task, group in groupby(results, key=lambda result: result.task):
        lines = [f"## {task}", "", *_render_task(list(group)), ""]
        text = "\n".join([*lines, f"Measured apart, at a load average of {load:.1f}.", "", ""])
        pattern = rf"^## {re.escape(task)}\n.*?(?=^## )"
        if not re.search(pattern, document, re.DOTALL | re.MULTILINE):
            pattern = r"(?=^## Aims)"
        found = re.search(pattern, document, re.DOTALL | re.MULTILINE)
        place = found.span() if found else (len(document), len(document))
        document = document[: place[0]] + text + document[place[1] :]
    return document


def _render_task(results: Sequence[Result]) -> Iterator[str]:
    yield "| tool | CPU s | wall s | peak MB | per CPU second | statement s |"
    yield "|---|---:|---:|---:|---:|---:|"
    for result in results:
        cost = result.cost
        yield (
            f"| {result.tool} | {cost.cpu:.1f} | {cost.wall:.1f} | {cost.peak:,} |"
            f" {result.count / cost.cpu:,.0f} | {result.statement:.2f} |"
        )


def render_aims(results: Sequence[Result]) -> Iterator[str]:
    """Compare with what was aimed at, as far as both sides were measured."""
    by_name: Mapping[tuple[str, str], Result] = {(r.task, r.tool): r for r in results}
    for task in dict.fromkeys(result.task for result in results):
        own = by_name.get((task, OWN))
        if own is None:
            continue
        yield from _compare_copies(task, own, by_name)
        if task.startswith("Stream"):
            rate = own.count / own.cost.cpu
            yield _row(
                f"{task}: 60,000 changes merged per CPU second", f"{rate:,.0f}", met=rate >= 60_000
            )
    yield from _compare_memory([r for r in results if r.tool == OWN])


def _compare_copies(
    task: str, own: Result, by_name: Mapping[tuple[str, str], Result]
) -> Iterator[str]:
    """Compare the copies into DuckDB; a ratio is the rival's CPU time over SimplyLoad's."""
    for tool, aim in ((DLT_PYARROW, 6.0), (DLT_ADBC, 2.0), (FLOOR, 0.6)):
        other = by_name.get((task, tool))
        if other is not None and task.startswith("Copy"):
            ratio = other.cost.cpu / own.cost.cpu
            yield _row(f"{task}: {aim}x the speed of {tool}", f"{ratio:.2f}x", met=ratio >= aim)


def _compare_memory(own: Sequence[Result]) -> Iterator[str]:
    copies = [result for result in own if result.task.startswith("Copy")]
    if copies:
        peak = max(result.cost.peak for result in copies)
        yield _row("Copies: at most 350 MB at any size", f"{peak:,} MB", met=peak <= 350)
        longest = max(result.statement for result in copies)
        yield _row("Copies: no statement over 1 s", f"{longest:.2f} s", met=longest <= 1)


def _row(aim: str, measured: str, *, met: bool) -> str:
    return f"| {aim} | {measured} | {'yes' if met else '**no**'} |"
