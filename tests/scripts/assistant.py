"""An assistant in tests: the MCP package's own client, which starts the server as a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

if TYPE_CHECKING:
    from mcp import Client

ROOT = Path(__file__).parents[2]
SERVER = (sys.executable, "-m", "scripts.mcp")


class ToolFailedError(Exception):
    """A tool's error, as the assistant reads it."""


@dataclass(frozen=True)
class Assistant:
    """A session with a server. It has a thread of its own, beside that of Playwright."""

    portal: BlockingPortal
    client: Client

    def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool and return what it returned."""
        result = self.portal.call(partial(self.client.call_tool, tool, arguments))
        if result.is_error:
            [content] = result.content
            assert content.type == "text"
            raise ToolFailedError(content.text)
        assert result.structured_content is not None
        return result.structured_content.get("result", result.structured_content)

    def query(self, *metrics: str, **arguments: Any) -> Any:
        """Ask for metrics."""
        return self.call("query_metrics", metrics=metrics, **arguments)


@contextmanager
def run_assistant(
    environment: Mapping[str, str], command: Sequence[str] = SERVER, folder: Path = ROOT
) -> Iterator[Assistant]:
    """Start the server with these settings, and end it afterwards."""
    # Each worker of pytest-xdist imports this module, and one of them needs that.
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 - it takes seconds

    name, *arguments = command
    server = StdioServerParameters(
        command=name, args=arguments, env=dict(environment), cwd=str(folder)
    )
    client = Client(server, read_timeout_seconds=120)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield Assistant(portal, client)
