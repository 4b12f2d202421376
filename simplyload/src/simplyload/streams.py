"""Builds what a configuration names: the source of a stream, and the destination.

Each is imported where it is opened, and with it its libraries: a command waits for no other.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from simplyload.config import Configuration, SourceSettings
from simplyload.destinations.bigquery_login import BigQuerySettings
from simplyload.destinations.destination import Destination
from simplyload.destinations.duckdb import DuckDBSettings
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.destinations.postgres import PostgresTargetSettings
from simplyload.destinations.snowflake_login import SnowflakeSettings
from simplyload.errors import ConfigurationError, DestinationError, LogError, SimplyLoadError
from simplyload.gcs_store import GcsStore
from simplyload.log import ChangeLog
from simplyload.object_store import ObjectStore
from simplyload.s3_store import S3Store
from simplyload.sources.custom import CustomSettings
from simplyload.sources.klaviyo import KlaviyoSettings
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.source import Source
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.store import GcsAddress, S3Address

# The module and the class by the settings.
CLASSES: Mapping[type[Any], tuple[str, str]] = {
    PostgresSettings: ("simplyload.sources.postgres.source", "PostgresSource"),
    KlaviyoSettings: ("simplyload.sources.klaviyo", "KlaviyoSource"),
    StripeSettings: ("simplyload.sources.stripe.source", "StripeSource"),
    SalesforceSettings: ("simplyload.sources.salesforce.source", "SalesforceSource"),
    DuckDBSettings: ("simplyload.destinations.duckdb", "DuckDBDestination"),
    PostgresTargetSettings: ("simplyload.destinations.postgres", "PostgresDestination"),
    ParquetSettings: ("simplyload.destinations.parquet", "ParquetDestination"),
    SnowflakeSettings: ("simplyload.destinations.snowflake", "SnowflakeDestination"),
    BigQuerySettings: ("simplyload.destinations.bigquery", "BigQueryDestination"),
}


def open_source(settings: SourceSettings, stream: str) -> Source:
    """Return the source of a stream; it connects at first use."""
    if isinstance(settings, CustomSettings):
        return settings.open(stream)
    source: Source = _import_class(settings)(settings, stream)
    return source


def open_destination(configuration: Configuration) -> Destination:
    """Return the destination; it connects at first use."""
    settings = configuration.destination
    if isinstance(settings, ParquetSettings):
        return open_lake(configuration, settings)
    more = [_open_stage(configuration, settings)] if isinstance(settings, SnowflakeSettings) else []
    destination: Destination = _import_class(settings)(settings, *more)
    return destination


def _import_class(settings: Any) -> Any:
    module, name = CLASSES[type(settings)]
    return getattr(import_module(module), name)


def list_modules(configuration: Configuration) -> Collection[str]:
    """Name the modules of the sources and of the destination, in which their classes are."""
    chosen = [*configuration.sources.values(), configuration.destination]
    return {CLASSES[type(source)][0] for source in chosen if type(source) in CLASSES}


def open_lake(configuration: Configuration, settings: ParquetSettings) -> ParquetDestination:
    """Return the destination `parquet`."""
    place = settings.path
    if isinstance(place, Path):
        return ParquetDestination(settings)
    store = _open_bucket(configuration, place, "destination.path", DestinationError)
    return ParquetDestination(settings, store)


def open_log(configuration: Configuration) -> ChangeLog:
    """Return the change log; a bucket is asked at first use."""
    place = configuration.log
    if isinstance(place, Path):
        return ChangeLog(place)
    return ChangeLog(_open_bucket(configuration, place, "log", LogError))


def _open_stage(configuration: Configuration, settings: SnowflakeSettings) -> S3Store | None:
    if not isinstance(settings.stage, S3Address):
        return None
    # Loads of two databases have the same numbers, so each database has a folder of its own.
    database = quote(f"{settings.account}.{settings.database}".lower(), safe="")
    prefix = "/".join(filter(None, (settings.stage.prefix, database)))
    place = S3Address(settings.stage.bucket, prefix)
    return S3Store(place, configuration.s3, "destination.stage", DestinationError)


def _open_bucket(
    configuration: Configuration,
    place: S3Address | GcsAddress,
    key: str,
    fault: type[SimplyLoadError],
) -> ObjectStore[Any]:
    if isinstance(place, GcsAddress):
        return GcsStore(place, configuration.gcs, key, fault)
    return S3Store(place, configuration.s3, key, fault)


def open_sources(
    configuration: Configuration, names: Sequence[str]
) -> Iterator[tuple[str, Source]]:
    """Open one source after the other, and close each."""
    for name in names:
        with closing(open_source(configuration.sources[name], name)) as source:
            yield name, source


def select_streams(configuration: Configuration, names: Sequence[str]) -> list[str]:
    """Return the chosen streams, all without a choice; ConfigurationError for an unknown name."""
    for name in names:
        if name not in configuration.sources:
            near = get_close_matches(name, configuration.sources, n=1) or configuration.sources
            raise ConfigurationError(f"there is no stream {name}; did you mean {', '.join(near)}?")
    return list(dict.fromkeys(names)) or list(configuration.sources)
