"""A BigQuery on this machine: as much of its API as dbt speaks, with GoogleSQL behind it.

dbt's own adapter talks to it as it talks to Google: what it sends is what a real build would send.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.raw_tables import Rows
from tests.warehouse import dbt
from tests.warehouse.engines import RAW_SCHEMA, raw_tables
from tests.warehouse.googlesql import GoogleSQL, SqlError, Table

PROJECT = "project"
# How DuckDB's types are called in GoogleSQL, which holds JSON as JSON.
TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "DATE": "date",
    "JSON": "json",
}
# How the API calls GoogleSQL's types.
API_TYPES = {"int64": "INTEGER", "float64": "FLOAT", "bool": "BOOLEAN"}
EPOCH = date(1970, 1, 1)
