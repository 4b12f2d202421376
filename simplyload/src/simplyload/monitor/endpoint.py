"""Serves `/metrics` to Prometheus, `/healthz` and `/livez` to whoever asks whether all is well.

`/livez` answers 200 as long as the process can: a restart mends no source, so what `/healthz`
reports is no reason for one.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any

from prometheus_client import CollectorRegistry, MetricsHandler, ProcessCollector

from simplyload.errors import ConfigurationError
from simplyload.monitor.metrics import StatusCollector
from simplyload.monitor.settings import MetricsSettings
from simplyload.monitor.status import Status, StreamStatus, TableStatus
from simplyload.store import Store


@dataclass(frozen=True)
class Health:
    """Judges the status: healthy unless a run failed, a table stopped, or a lag is too long."""

    status: Status
    log: Store
    max_lag: timedelta | None

    def report(self) -> dict[str, Any]:
        """Return what `/healthz` answers; the probe itself asks neither source nor destination."""
        now, streams = time.time(), self.status.snapshot()
        failed = any(stream.failed_part == "log" for stream in streams.values())
        log = {"writable": not failed, **self.log.health()}
        reasons = [] if log["writable"] else [f"log: {self.log.address} cannot be written"]
        for name, stream in streams.items():
            reasons += stream.problems(name, self.max_lag, now).values()
        described = {name: _describe(stream, now) for name, stream in streams.items()}
        return {"healthy": not reasons, "reasons": reasons, "log": log, "streams": described}


def _describe(stream: StreamStatus, now: float) -> dict[str, Any]:
    failed = {stream.failed_part: stream.failure}
    return {
        "source": failed.get("source", "ok"),
        "destination": failed.get("destination", "ok"),
        "last_success": _format(stream.last_success),
        "lag_seconds": round(stream.lag(now), 3),
        "consecutive_failures": stream.failures,
        "failure": stream.failure or None,
        "next_try": _format(stream.next_try),
        "tables": {
            name: _describe_table(table, table.lag(now, stream.since))
            for name, table in sorted(stream.tables.items())
        },
    }


def _describe_table(table: TableStatus, lag: float) -> dict[str, Any]:
    return {
        "last_success": _format(table.last_success),
        "lag_seconds": round(lag, 3),
        "stopped": table.stopped or None,
    }


def _format(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")


class _Handler(MetricsHandler):
    """Answers GET of three paths."""

    health: Health
    timeout = 10  # a client that sends nothing holds no thread for ever

    def do_GET(self) -> None:  # noqa: N802 - the name that the library calls
        """Answer with metrics, with the health, or that there is no such page."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            super().do_GET()
        elif path == "/healthz":
            report = self.health.report()
            healthy = report["healthy"]
            self._answer(HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE, report)
        elif path == "/livez":
            self._answer(HTTPStatus.OK, {"alive": True})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"paths": ["/metrics", "/healthz", "/livez"]})

    def _answer(self, code: HTTPStatus, content: Mapping[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve(settings: MetricsSettings, health: Health) -> Iterator[None]:
    """Answer while the block runs. Raises ConfigurationError where the port is taken."""
    registry = CollectorRegistry()
    registry.register(StatusCollector(health.status))
    ProcessCollector(registry=registry)
    handler = type("Handler", (_Handler,), {"registry": registry, "health": health})
    with _bind(settings, handler) as server:
        Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    """A thread for each request; none of them keeps the process."""

    allow_reuse_address = True  # a restart finds the port of the process before
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _bind(settings: MetricsSettings, handler: type[_Handler]) -> _Server:
    try:
        [(family, *_, address), *_] = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )
        kind = type("Server", (_Server,), {"address_family": family})
        server: _Server = kind(address[:2], handler)
    except OSError as error:
        raise ConfigurationError(
            f"metrics: {settings.host}:{settings.port} cannot be served ({error.strerror}): choose"
            " another host or port"
        ) from None
    return server
