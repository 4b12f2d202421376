"""Builds what a configuration names: the source of a stream, and the destination."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path

from simplyload.config import Configuration, SourceSettings
from simplyload.destinations.bigquery import BigQueryDestination
from simplyload.destinations.bigquery_login import BigQuerySettings
from simplyload.destinations.destination import Destination
from simplyload.destinations.duckdb import DuckDBDestination, DuckDBSettings
from simplyload.destinations.parquet import ParquetDestination, ParquetSettings
from simplyload.destinations.postgres import PostgresDestination, PostgresTargetSettings
from simplyload.destinations.snowflake import SnowflakeDestination
from simplyload.destinations.snowflake_login import SnowflakeSettings
from simplyload.errors import ConfigurationError, DestinationError, LogError
from simplyload.log import ChangeLog
from simplyload.object_store import S3Store
from simplyload.sources.custom import CustomSettings
from simplyload.sources.klaviyo import KlaviyoSettings, KlaviyoSource
from simplyload.sources.postgres.source import PostgresSource
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.salesforce.source import SalesforceSource
from simplyload.sources.source import Source
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.sources.stripe.source import StripeSource
from simplyload.store import S3Address


def open_source(settings: SourceSettings, stream: str) -> Source:
    """Give the source of a stream; it connects at first use."""
    if isinstance(settings, KlaviyoSettings):
        return KlaviyoSource(settings, stream)
    if isinstance(settings, StripeSettings):
        return StripeSource(settings, stream)
    if isinstance(settings, SalesforceSettings):
        return SalesforceSource(settings, stream)
    if isinstance(settings, CustomSettings):
        return settings.open(stream)
    return PostgresSource(settings, stream)


def open_destination(configuration: Configuration) -> Destination:
    """Give the destination; it connects at first use."""
    settings = configuration.destination
    if isinstance(settings, DuckDBSettings):
        return DuckDBDestination(settings)
    if isinstance(settings, PostgresTargetSettings):
        return PostgresDestination(settings)
    if isinstance(settings, SnowflakeSettings):
        return SnowflakeDestination(settings)
    if isinstance(settings, BigQuerySettings):
        return BigQueryDestination(settings)
    return open_lake(configuration, settings)


def open_lake(configuration: Configuration, settings: ParquetSettings) -> ParquetDestination:
    """Give the destination `parquet`."""
    return ParquetDestination(settings, _open_bucket(configuration, settings.path))


def open_log(configuration: Configuration) -> ChangeLog:
    """Give the change log; a bucket is asked at first use."""
    place = configuration.log
    if isinstance(place, Path):
        return ChangeLog(place)
    return ChangeLog(S3Store(place, configuration.s3, "log", LogError))


def _open_bucket(configuration: Configuration, path: Path | S3Address) -> S3Store | None:
    if isinstance(path, Path):
        return None
    return S3Store(path, configuration.s3, "destination.path", DestinationError)


def opened_sources(
    configuration: Configuration, names: Sequence[str]
) -> Iterator[tuple[str, Source]]:
    """Open one source after the other, and close each."""
    for name in names:
        with closing(open_source(configuration.sources[name], name)) as source:
            yield name, source


def select_streams(configuration: Configuration, names: Sequence[str]) -> list[str]:
    """Give the chosen streams, all without a choice; ConfigurationError for an unknown name."""
    for name in names:
        if name not in configuration.sources:
            near = get_close_matches(name, configuration.sources, n=1) or configuration.sources
            raise ConfigurationError(f"there is no stream {name}; did you mean {', '.join(near)}?")
    return list(dict.fromkeys(names)) or list(configuration.sources)
