"""Bytes that are no UTF-8: a database of encoding SQL_ASCII takes them, and its server sends none.

The server names neither the table nor the column, so they are looked for once it has refused.
"""

import time
from collections.abc import Iterator
from contextlib import closing

from psycopg2.errors import ObjectInUse

from simplyload.sources.postgres.connection import connect, fetch
from simplyload.sources.postgres.pgoutput import Delete, Insert, Relation, Row, Update, decode
from simplyload.sources.postgres.settings import PostgresSettings

PATIENCE = 10.0  # seconds until the server has let go of the slot

# The whole backlog: the server cannot give a part of a transaction.
_PEEK = """
select data from pg_catalog.pg_logical_slot_peek_binary_changes(%s, null, null,
    'proto_version', '1', 'publication_names', %s)
"""


def describe_bytes(place: str) -> str:
    """Say where a value is that is no UTF-8, and what to do with it."""
    return (
        f"{place} holds bytes that are no UTF-8, which a database of encoding SQL_ASCII takes:"
        " write the value again as UTF-8"
    )


def find_bytes_in_stream(settings: PostgresSettings, stream: str) -> str | None:
    """Name table and column of the first such value in the stream; None where none is found."""
    with closing(connect(settings, stream, read_only=False)) as connection:
        connection.cursor().execute("set client_encoding = 'SQL_ASCII'")
        names = [settings.slot_name(stream), f'"{settings.publication_name(stream)}"']
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                payloads = [bytes(data) for (data,) in fetch(connection, _PEEK, names)]
                return next(_undecodable_error(payloads), None)
            except ObjectInUse:
                if time.monotonic() > give_up:
                    return None
                time.sleep(0.2)


def _undecodable_error(payloads: list[bytes]) -> Iterator[str]:
    relations: dict[int, Relation] = {}
    for message in map(decode, payloads):
        if isinstance(message, Relation):
            relations[message.oid] = message
        elif isinstance(message, Insert | Update | Delete):
            row = message.old if isinstance(message, Delete) else message.new
            for at in _places(row):
                relation = relations[message.oid]
                yield f"{relation.schema}.{relation.name}.{relation.columns[at].name}"


def _places(row: Row) -> Iterator[int]:
    for at, value in enumerate(row):
        try:
            _ = value.decode() if isinstance(value, bytes) else ""
        except UnicodeDecodeError:
            yield at
