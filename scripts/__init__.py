"""The commands of an operator: `.venv/bin/python -m scripts.NAME --help`.

NAME is configuration, demo, digest, doctor, export, fivetran_sync, generate_dbt, load_postgres,
mcp, pipeline, release or sample. The other modules are libraries.
"""
