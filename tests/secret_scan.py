"""Searches texts for secrets: API keys in any encoding, addresses and phone numbers of people."""

import base64
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from tests.sandbox_server import Sandbox


def key_forms(key: str) -> set[bytes]:
    """The forms in which a key may leak: as it is, encoded, or its first 12 characters."""
    # Base64 of a longer text holds one of three encodings of the key, by its offset in the text.
    encoded = {base64.b64encode(f"{'x' * shift}{key}".encode())[4:-4] for shift in range(3)}
    return {key.encode(), quote(key).encode(), key[:12].encode(), repr(key).encode(), *encoded}


def personal_data(sandbox: Sandbox) -> set[bytes]:
    """The e-mail addresses and phone numbers of an account's profiles."""
    listed = sandbox.all("/api/profiles", **{"page[size]": 100})
    profiles = [document["attributes"] for document in listed]
    found = {row[name] for row in profiles for name in ("email", "phone_number") if row[name]}
    assert len(found) > len(profiles)
    return {value.encode() for value in found}


def find_leaks(texts: Mapping[str, bytes], secrets: Iterable[bytes]) -> list[tuple[str, bytes]]:
    """Each secret with the name of each text that holds it."""
    return [(name, secret) for secret in secrets for name, text in texts.items() if secret in text]
