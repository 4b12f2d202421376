"""Lists that grow: what is new since a position, newest first, page by page."""

from collections.abc import Iterator

from simplyload.sources.stripe.client import Anchor, Client
from simplyload.sources.stripe.objects import Object
from simplyload.sources.stripe.position import Window

LAG = 60  # seconds: an object may become visible later than others that are newer
OVERLAP = 60  # seconds below the position that are read again for what came later still


def read_window(
    client: Client, window: Window, account: str, path: str, now: int
) -> Iterator[list[Object]]:
    """Yield what is new up to the lag: first the rest of an interrupted read, then the next.

    The window's position moves to `top` only once everything down to `at` is read.
    """
    while window.top or now - LAG > window.at:
        window.top = window.top or now - LAG
        bounds = {"created[gte]": window.at - OVERLAP, "created[lte]": window.top}
        for page in client.pages(account, path, bounds, window.after):
            edge = window.top - OVERLAP
            window.above += [item["id"] for item in page if item["created"] >= edge]
            window.after = last_anchor(page) or window.after
            yield [item for item in page if item["id"] not in window.seen]
        window.at, window.seen = window.top, window.above
        window.top, window.after, window.above = None, None, []


def last_anchor(page: list[Object]) -> Anchor | None:
    """Return the anchor of the page that follows."""
    return Anchor(page[-1]["id"], page[-1].get("created")) if page else None
