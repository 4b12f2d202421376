r"""Runs a source in a process of its own: its modules, its memory and its crashes stay there.

The parent writes one line of JSON, the call, to the child's standard input and keeps it open; the
child ends when it closes. The child writes messages to its standard output:

    {"kind": "batch", "state": {...}, "tables": [{"name": ..., "key": [...]}], ...}\n
    one Arrow IPC stream for each table of the line

The last message has the kind `end`, or `error` with a message for the user. A child that ends
without either has crashed. What it prints goes to its standard error.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from io import BufferedReader, BufferedWriter
from itertools import chain
from typing import IO, Any, cast

import pyarrow as pa

from simplyload.changes import META_FIELDS, Batch, Changes, Rejected, State, Table
from simplyload.errors import ConfigurationError, SimplyLoadError, SourceError
from simplyload.sources.source import Discovered, Finding

LAST_LINES = 20  # of the child's standard error, in the message after a crash
SECONDS_TO_END = 10
META_NAMES = tuple(field.name for field in META_FIELDS)

Message = tuple[dict[str, Any], list[tuple[Table, pa.Table]]]


class ProcessSource:
    """A source each of whose calls runs in a new child process, which ends with the call.

    `factory` is `module:name` of what the child calls with the settings (plain values, secrets
    included) and the stream's name; it returns a source.
    """

    def __init__(self, factory: str, settings: Mapping[str, Any], stream: str) -> None:
        self._call = {"factory": factory, "settings": settings, "stream": stream}
        self._stream = stream

    def tables(self) -> list[Table]:
        """List the tables of the source."""
        return [table for _, data in self._call_child("tables") for table, _ in data]

    def read(self, state: State) -> Iterator[Batch]:
        """Yield the batches of the child as they come; a full pipe makes the child wait."""
        for head, data in self._call_child("read", state):
            yield Batch(
                changes=[Changes(_drop_meta(table), rows) for table, rows in data],
                state=head["state"],
                rejected=[Rejected(**fields) for fields in head["rejected"]],
                warnings=head["warnings"],
            )

    def ack(self, state: State) -> None:
        """Do nothing: such a source keeps no log that waits for a confirmation."""

    def backfill(self, state: State, table: str, since: str | None) -> State:
        """Return a state from which the table is read again."""
        value: State = self._call_for_value("backfill", state, table, since)
        return value

    def reset(self, state: State) -> State:
        """Return a state from which everything is read again."""
        value: State = self._call_for_value("reset", state)
        return value

    def discover(self) -> list[Discovered]:
        """List every table that the source has."""
        return [
            Discovered(table=table, mode="api")
            for _, data in self._call_child("discover")
            for table, _ in data
        ]

    def validate(self) -> list[Finding]:
        """Return the child's findings."""
        return [Finding(**finding) for finding in self._call_for_value("validate")]

    def scan(self, table: Table) -> Iterator[pa.Table] | None:
        """Yield the table's present rows."""
        return (rows for other, rows in self.scan_all(table) if other.name == table.name)

    def scan_all(self, table: Table) -> Iterator[tuple[Table, pa.Table]]:
        """Yield what the child gives for a scan of the table: rows of it, or of others too."""
        return chain.from_iterable(data for _, data in self._call_child("scan", table.name))

    def drop(self) -> list[str]:
        """Remove nothing: all that such a source keeps is its state."""
        return []

    def close(self) -> None:
        """Do nothing: no process outlives its call."""

    def _call_for_value(self, method: str, *arguments: Any) -> Any:
        [(head, _)] = self._call_child(method, *arguments)
        return head["value"]

    def _call_child(self, method: str, *arguments: Any) -> Iterator[Message]:
        """Run one call in a child; yield its messages before the last one."""
        call = {**self._call, "method": method, "arguments": arguments}
        with tempfile.TemporaryFile() as errors, _running_child(errors) as child:
            _send(child, call)
            for head, data in _receive(child):
                if head["kind"] == "end":
                    return
                if head["kind"] == "error":
                    raise _error(head, self._stream)
                yield head, data
            code = child.wait()
            raise SourceError(
                f"source {self._stream}: its process ended unexpectedly ({_describe_exit(code)})."
                f" Nothing after the last committed state is loaded; its last lines:\n"
                f"{_last_lines(errors)}"
            )


class _running_child:  # noqa: N801 - a context manager reads as a function
    """A child process for the length of a block; at its end it is ended, whatever it does."""

    def __init__(self, errors: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "simplyload.sources.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C ends the parent at a commit, not the child at once
        )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _send(child: subprocess.Popen[bytes], call: Mapping[str, Any]) -> None:
    try:
        pipe = cast("BufferedWriter", child.stdin)
        pipe.write(json.dumps(call).encode() + b"\n")
        pipe.flush()
    except BrokenPipeError:
        pass  # it has crashed; the missing last message says so


def _receive(child: subprocess.Popen[bytes]) -> Iterator[Message]:
    """Yield messages until the pipe ends; a message that is cut off is none."""
    pipe = cast("BufferedReader", child.stdout)
    while line := pipe.readline():
        try:
            head = json.loads(line)
            data = [
                (_parse_table(description), pa.ipc.open_stream(pa.PythonFile(pipe)).read_all())
                for description in head["tables"]
            ]
        except (ValueError, EOFError, OSError):  # pa.ArrowInvalid is a ValueError
            return
        yield head, [(_replace_schema(table, rows.schema), rows) for table, rows in data]


def _error(head: Mapping[str, Any], stream: str) -> SimplyLoadError:
    kind = ConfigurationError if head["is_configuration"] else SourceError
    return kind(f"source {stream}: {head['message']}")


def _describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _last_lines(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-LAST_LINES:])


def _parse_table(head: Mapping[str, Any]) -> Table:
    return Table(
        name=head["name"],
        key=tuple(head["key"]),
        schema=pa.schema([]),
        source_name=head["source_name"],
    )


def _replace_schema(table: Table, schema: pa.Schema) -> Table:
    return Table(name=table.name, key=table.key, schema=schema, source_name=table.source_name)


def _drop_meta(table: Table) -> Table:
    return _replace_schema(table, pa.schema([f for f in table.schema if f.name not in META_NAMES]))


# ---- the child ----


def main() -> None:
    """Serve one call. Anything that is printed goes to standard error, messages to the pipe."""
    with os.fdopen(os.dup(1), "wb") as pipe:
        os.dup2(2, 1)
        call = json.loads(sys.stdin.buffer.readline())
        threading.Thread(target=_end_with_the_parent, daemon=True).start()
        try:
            _serve(call, pipe)
            _write(pipe, {"kind": "end"})
        except SimplyLoadError as error:
            is_configuration = isinstance(error, ConfigurationError)
            head = {"kind": "error", "message": str(error), "is_configuration": is_configuration}
            _write(pipe, head)


def _end_with_the_parent() -> None:
    """Wait until the parent closes the pipe or is gone, then end this process at once."""
    # Not by sys.stdin, whose lock a thread may not hold when the interpreter ends.
    while os.read(0, 1):
        pass
    os._exit(0)


def _serve(call: Mapping[str, Any], pipe: BufferedWriter) -> None:
    module, _, name = call["factory"].partition(":")
    source = getattr(importlib.import_module(module), name)(call["settings"], call["stream"])
    answer = getattr(source, call["method"])(*call["arguments"])
    if call["method"] == "read":
        with closing(answer):
            for batch in answer:
                _write_batch(pipe, batch)
    elif call["method"] in ("tables", "discover"):
        _write(pipe, {"kind": "tables"}, [(table, table.schema.empty_table()) for table in answer])
    elif call["method"] == "scan":
        for table, rows in answer:
            _write(pipe, {"kind": "rows"}, [(table, rows)])
    else:
        findings = [asdict(item) if isinstance(item, Finding) else item for item in answer]
        _write(
            pipe, {"kind": "value", "value": findings if call["method"] == "validate" else answer}
        )


def _write_batch(pipe: BufferedWriter, batch: Batch) -> None:
    head = {
        "kind": "batch",
        "state": batch.state,
        "rejected": [asdict(rejection) for rejection in batch.rejected],
        "warnings": list(batch.warnings),
    }
    _write(pipe, head, [(change.table, change.rows) for change in batch.changes])


def _write(
    pipe: BufferedWriter, head: Mapping[str, Any], data: Sequence[tuple[Table, pa.Table]] = ()
) -> None:
    tables = [{"name": t.name, "key": t.key, "source_name": t.source_name} for t, _ in data]
    pipe.write(json.dumps({**head, "tables": tables}).encode() + b"\n")
    for _, rows in data:
        with pa.ipc.new_stream(pa.PythonFile(pipe), rows.schema) as stream:
            stream.write_table(rows)
    pipe.flush()


if __name__ == "__main__":
    main()
