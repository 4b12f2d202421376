"""Looks for what must not be found: keys in any form, and the names of people."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from tests.sandbox_server import Sandbox


def forms(key: str) -> set[bytes]:
    """How a secret may look: as it is, encoded, or its telling beginning."""
    encoded = {base64.b64encode(f"{'x' * shift}{key}".encode())[4:-4] for shift in range(3)}
    return {key.encode(), quote(key).encode(), key[:12].encode(), repr(key).encode(), *encoded}


def of_people(sandbox: Sandbox) -> set[bytes]:
    """The e-mail addresses and phone numbers of an account's profiles."""
    people = [one["attributes"] for one in sandbox.all("/api/profiles", **{"page[size]": 100})]
    named = {one[name] for one in people for name in ("email", "phone_number") if one[name]}
    assert len(named) > len(people)
    return {name.encode() for name in named}


def found(haystacks: Mapping[str, bytes], needles: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Each needle in each haystack that holds it."""
    return (
        (name, needle) for needle in needles for name, hay in haystacks.items() if needle in hay
    )
