"""The SQL by which an administrator makes what the destination `snowflake` needs, and no more."""

import re
from importlib import import_module
from textwrap import dedent

from sqlglot import exp

from simplyload.destinations.snowflake_files import BUCKET, INTEGRATION, STAGE_SCHEMA
from simplyload.destinations.snowflake_login import SnowflakeSettings, load_driver, read_private_key

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_NO_KEY = """
-- There is no key pair yet. Make one, set a passphrase, and run `simplyload setup snowflake` again:
--   openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -out {file}
--   chmod 600 {file}
"""


def setup_sql(settings: SnowflakeSettings, aws_role: str) -> str:
    """Return the statements, with the public key of the configured private key.

    With the setting `stage` Snowflake may read that bucket, by a role of AWS. The role owns what it
    creates, so it needs no right on the tables of others. A warehouse of its own shows the cost of
    loading, and ends a minute after the last load.
    """
    file = settings.private_key_file
    if file is not None and not file.exists():
        return _NO_KEY.format(file=file).strip()
    names = {
        key: _quote(getattr(settings, key)) for key in ("role", "user", "warehouse", "database")
    }
    text = _STATEMENTS.format(
        key=_public_key(settings), monitor=_quote(f"{settings.warehouse}_LIMIT"), **names
    )
    if settings.stage:
        text += _format_integration(str(settings.stage), aws_role, names["role"])
    return text.strip()


def bucket_sql(address: str, database: str, aws_role: str) -> str:
    """Return the statements by which Snowflake may read a bucket, and who runs `simplyload sql`."""
    names = {"role": "SIMPLYLOAD", "warehouse": "SIMPLYLOAD", "database": _quote(database)}
    integration = _format_integration(address, aws_role, names["role"])
    stage = _STAGE.format(
        place=_literal(f"{address}/"),
        stage=BUCKET,
        schema=STAGE_SCHEMA,
        integration=INTEGRATION,
        **names,
    )
    return f"{_PLACE.format(**names)}{integration}{stage}".strip()


def _format_integration(address: str, aws_role: str, role: str) -> str:
    return _INTEGRATION.format(
        place=_literal(f"{address}/"), arn=_literal(aws_role), role=role, integration=INTEGRATION
    )


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql("snowflake")


_PLACE = dedent("""
    use role accountadmin;

    create role if not exists {role};
    create warehouse if not exists {warehouse}
        warehouse_size = xsmall auto_suspend = 60 auto_resume = true initially_suspended = true;
    create database if not exists {database};
    grant usage on warehouse {warehouse} to role {role};
    grant usage, create schema on database {database} to role {role};
""")

_INTEGRATION = dedent("""
    -- The role of AWS may list the bucket and get its objects below the address, and no more.
    create storage integration if not exists {integration}
        type = external_stage storage_provider = 'S3' enabled = true
        storage_aws_role_arn = {arn} storage_allowed_locations = ({place});
    -- Where it exists already: name every address that is in use, of other databases too.
    alter storage integration {integration} set storage_allowed_locations = ({place});
    -- Its trust policy names what this shows: STORAGE_AWS_IAM_USER_ARN, STORAGE_AWS_EXTERNAL_ID.
    describe integration {integration};
    grant usage on integration {integration} to role {role};
    -- With that trust policy this answers "success"; `simplyload validate` then reads an object.
    select system$validate_storage_integration('{integration}', {place}, 'none', 'list');
""")

_STAGE = dedent("""
    -- Let the user who runs `simplyload sql` use it: grant role {role} to user ...;
    use role {role};
    use database {database};
    create transient schema if not exists {schema} data_retention_time_in_days = 0;
    create stage if not exists {stage}
        url = {place} storage_integration = {integration};
""")

_STATEMENTS = _PLACE + dedent("""
    -- TYPE = SERVICE: no password and no browser, this key alone.
    create user if not exists {user}
        type = service
        default_role = {role} default_secondary_roles = () default_warehouse = {warehouse};
    alter user {user} set rsa_public_key = '{key}';
    grant role {role} to user {user};

    -- Stop the warehouse where a mistake would cost: credits a month.
    create resource monitor if not exists {monitor}
        with credit_quota = 50 frequency = monthly start_timestamp = immediately
        triggers on 80 percent do notify on 100 percent do suspend;
    alter warehouse {warehouse} set resource_monitor = {monitor};
""")


def _public_key(settings: SnowflakeSettings) -> str:
    """Return the public key as RSA_PUBLIC_KEY takes it: base64 in one line."""
    load_driver()
    serialization = import_module("cryptography.hazmat.primitives.serialization")
    private = serialization.load_der_private_key(read_private_key(settings), None)
    pem: bytes = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "".join(pem.decode().splitlines()[1:-1])


def _quote(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
