"""Change data capture: the publication and the slot, and the changes that follow a position.

A table is copied first and streamed from the LSN at which its copy began; while it is copied it is
not streamed, since a partial change needs the row that it changes. Other tables may be: each table
has a position of its own (`position.py`), and the stream begins at the lowest.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from simplyload.changes import Batch
from simplyload.errors import SourceError
from simplyload.sources.postgres.connection import Reader, connect, connect_replication, fetch
from simplyload.sources.postgres.copy import copy_table
from simplyload.sources.postgres.discover import SourceTable
from simplyload.sources.postgres.feed import Feed
from simplyload.sources.postgres.gathering import Gathering, Streamed
from simplyload.sources.postgres.pgoutput import Relation, decode
from simplyload.sources.postgres.position import StreamPosition, TablePosition
from simplyload.sources.postgres.publication import (
    Publication,
    Published,
    add_statement,
    check_publication,
    check_rights,
    create_statement,
    find_publication,
    list_published,
)
from simplyload.sources.postgres.replication import Prepared, StreamState
from simplyload.sources.postgres.rows import SEQ_PER_LSN, RelationRows
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.postgres.slot import (
    Server,
    check_owner,
    create_slot,
    drop_slot,
    find_slot,
    format_lsn,
    parse_lsn,
    why_changes_are_lost,
)
from simplyload.sources.postgres.state import CopyState
from simplyload.sources.postgres.types import Column, resolve_types
