"""Copies a table with DuckDB's postgres extension: `extension_copy.py DSN TABLE FOLDER`.

To Parquet, and from there merged into a DuckDB table: the least that any loader does.
"""

import shutil
import sys
from pathlib import Path

import duckdb
import duckdb_extension_postgres_scanner as package

dsn, table, folder = sys.argv[1:]
# DuckDB derives the entry point from the name of the file.
extension = Path(folder) / "postgres_scanner.duckdb_extension"
shutil.copy(next(Path(package.__path__[0]).rglob("*.duckdb_extension")), extension)

connection = duckdb.connect(f"{folder}/extension.duckdb")
connection.execute(f"load '{extension}'")
connection.execute(f"attach '{dsn}' as source (type postgres, read_only)")
file = f"{folder}/{table}.parquet"
connection.execute(f"copy source.public.{table} to '{file}' (compression zstd)")
connection.execute(f"create table {table} as select * from '{file}' limit 0")
connection.execute(
    f"merge into {table} t using '{file}' s on t.id = s.id"
    " when matched then update when not matched then insert"
)
