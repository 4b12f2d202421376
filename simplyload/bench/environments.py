"""A throw-away environment for each rival, made on first use in build/rivals.

Nothing of a rival is installed beside SimplyLoad, and SimplyLoad is in no rival's environment. So
it is with localstripe, which judges the source `stripe`: its licence (GPL-3) lets anyone run it,
and a test speaks to its process by HTTP alone. dagster-dbt takes one version of Dagster alone, so
it has an environment too, with SimplyLoad.
"""

import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
POSTGRES_SCANNER = "duckdb-extension-postgres-scanner==1.5.5"
REQUIREMENTS = {
    "dlt": (
        "dlt[duckdb]==1.31.0",
        "adbc-driver-postgresql==1.13.0",
        "connectorx==0.4.6",
        "psycopg2-binary==2.9.13",
        "pyarrow==26.0.1",
        "sqlalchemy>=2,<3",
    ),
    "localstripe": ("localstripe==1.15.10",),
    "rivet": ("rivet-cli==0.32.2",),
    "debezium": ("pydbzengine==3.6.3.0",),
    # It imports dateutil, which dbt-core has, and says nothing of it.
    "dagster-dbt": ("dagster-dbt==0.29.27", "python-dateutil>=2.9", f"{ROOT}[dagster]"),
    # The extension is built for exactly this version of DuckDB.
    "extension": ("duckdb==1.5.5", POSTGRES_SCANNER),
}


def find_program(rival: str, program: str = "python") -> str:
    """Give the path of a program in a rival's environment; install the environment if missing."""
    folder = BUILD / "rivals" / rival
    stamp = folder / ".complete"
    if not stamp.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *REQUIREMENTS[rival]], check=True)
        stamp.touch()
    return str(folder / "bin" / program)
