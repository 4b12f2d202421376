"""Reads `simplyload.yml`: every source, the destination, the change log, the pipeline.

A value is from `--set key=value`, else from a variable (SIMPLYLOAD_DESTINATION__PATH), else from
the file. `${NAME}` in the file is the variable NAME. Relative paths begin at the folder of the
file. All errors are reported at once, each with its key and remedy, none with a value.
"""

import os
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from simplyload.catalog import METADATA_SCHEMA
from simplyload.destinations.bigquery_login import BigQuerySettings
from simplyload.destinations.duckdb import DuckDBSettings
from simplyload.destinations.parquet import ParquetSettings
from simplyload.destinations.postgres import PostgresTargetSettings
from simplyload.destinations.snowflake_login import SnowflakeSettings
from simplyload.engine import PipelineSettings
from simplyload.errors import ConfigurationError
from simplyload.gcs_store import GcsSettings
from simplyload.monitor.settings import AlertSettings, MetricsSettings
from simplyload.s3_store import S3Settings
from simplyload.sources.custom import TAG, CustomSettings
from simplyload.sources.klaviyo import KlaviyoSettings
from simplyload.sources.postgres.settings import PostgresSettings
from simplyload.sources.salesforce.settings import SalesforceSettings
from simplyload.sources.stripe.settings import StripeSettings
from simplyload.store import Location

DEFAULT_FILE = Path("simplyload.yml")
PREFIX = "SIMPLYLOAD_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
_REFERENCE = re.compile(r"(\$?)\$\{(\w+)\}")  # `$${NAME}` is the text `${NAME}`


def _find_tag(source: Any) -> str | None:
    """Return the `type` of a source, or the tag of all that are the user's own."""
    kind = source.get("type") if isinstance(source, Mapping) else getattr(source, "type", None)
    return TAG if isinstance(kind, str) and ":" in kind else kind


_Source = PostgresSettings | KlaviyoSettings | StripeSettings | SalesforceSettings | CustomSettings
_Destination = (
    DuckDBSettings | PostgresTargetSettings | ParquetSettings | SnowflakeSettings | BigQuerySettings
)
SourceSettings = Annotated[
    Annotated[PostgresSettings, Tag("postgres")]
    | Annotated[KlaviyoSettings, Tag("klaviyo")]
    | Annotated[StripeSettings, Tag("stripe")]
    | Annotated[SalesforceSettings, Tag("salesforce")]
    | Annotated[CustomSettings, Tag(TAG)],
    Discriminator(_find_tag),
]
DestinationSettings = Annotated[_Destination, Field(discriminator="type")]


# A stream's name is also the name of its schema in the destination.
def _check_stream(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(
            "a source's name is a lower-case letter, then at most 39 of them, digits and `_`"
        )
    return name


StreamName = Annotated[str, AfterValidator(_check_stream)]


def schema_of(settings: SourceSettings, stream: str) -> str:
    """Return the schema of a stream's tables in the destination."""
    return settings.schema_ or stream


def _check_own(stream: str, schema: str) -> None:
    """Refuse a schema in which SimplyLoad has its own tables: `loads` may be a table's name too."""
    if schema.casefold().startswith(METADATA_SCHEMA):
        raise ValueError(
            f"stream {stream} has the schema `{schema}`, and those that begin with"
            f" `{METADATA_SCHEMA}` are SimplyLoad's own: give it another `schema`"
        )


class Configuration(BaseSettings):
    """Everything that `simplyload.yml` says."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
    )

    sources: dict[StreamName, SourceSettings] = Field(min_length=1)
    destination: DestinationSettings = DuckDBSettings()
    log: Location = Path("build/log")
    retention: timedelta | None = Field(default=None, ge=timedelta(days=7))
    s3: S3Settings = S3Settings()
    gcs: GcsSettings = GcsSettings()
    pipeline: PipelineSettings = PipelineSettings()
    metrics: MetricsSettings = MetricsSettings()
    alerts: AlertSettings = AlertSettings()

    @field_validator("sources")
    @classmethod
    def _check_schemas(cls, sources: dict[str, _Source]) -> dict[str, _Source]:
        """Refuse a schema of two streams: a copy marks as deleted what the other one loaded."""
        streams: dict[str, list[str]] = {}
        for stream, settings in sources.items():
            _check_own(stream, schema_of(settings, stream))
            # In DuckDB names that differ in case alone are one schema.
            streams.setdefault(schema_of(settings, stream).casefold(), []).append(stream)
        shared = [
            f"{' and '.join(names)} load into one schema, `{schema}`"
            for schema, names in streams.items()
            if len(names) > 1
        ]
        if shared:
            raise ValueError(f"{'; '.join(shared)}: give each a `schema` of its own")
        return sources

    @field_validator("destination")
    @classmethod
    def _check_folders(cls, destination: _Destination, info: ValidationInfo) -> _Destination:
        """Refuse a schema where the destination has none."""
        sources: dict[str, _Source] = info.data.get("sources", {})
        streams = [name for name, settings in sources.items() if settings.schema_]
        if isinstance(destination, ParquetSettings) and streams:
            raise ValueError(
                "a parquet destination has a folder for each stream, named after it:"
                f" leave out `schema` of {', '.join(streams)}"
            )
        return destination

    @field_validator("destination")
    @classmethod
    def _check_datasets(cls, destination: _Destination, info: ValidationInfo) -> _Destination:
        """Refuse a schema whose name no dataset of BigQuery has."""
        sources: dict[str, _Source] = info.data.get("sources", {})
        schemas = {stream: schema_of(settings, stream) for stream, settings in sources.items()}
        for stream, schema in schemas.items() if isinstance(destination, BigQuerySettings) else ():
            if not re.fullmatch("[A-Za-z0-9_]{1,1024}", schema):
                raise ValueError(
                    f"schema `{schema}` of stream {stream} becomes a dataset of BigQuery, whose"
                    " name has letters, digits and `_` alone: set another `schema`"
                )
        return destination

    @field_validator("log")
    @classmethod
    def _check_place(cls, log: Location, info: ValidationInfo) -> Location:
        """Refuse one place for the log and the destination: `clean` removes old files of a log."""
        destination = info.data.get("destination")
        if isinstance(destination, ParquetSettings) and destination.path == log:
            raise ValueError(
                f"the destination has its files in {log} too: give one of them another place"
            )
        return log

    @field_validator("s3")
    @classmethod
    def _check_endpoint(cls, s3: S3Settings, info: ValidationInfo) -> S3Settings:
        """Refuse a server of one's own for a stage that Snowflake reads at Amazon."""
        destination = info.data.get("destination")
        is_read_there = isinstance(destination, SnowflakeSettings) and destination.stage is not None
        if is_read_there and not s3.is_amazon:
            raise ValueError(
                "files of a load would be put to `endpoint`, and Snowflake reads"
                " `destination.stage` at Amazon S3: leave out `endpoint`, or leave out `stage`,"
                " for Snowflake's own storage"
            )
        return s3

    @field_validator("pipeline")
    @classmethod
    def _check_parquet(cls, pipeline: PipelineSettings, info: ValidationInfo) -> PipelineSettings:
        """Refuse what files that keep every change cannot do."""
        is_plain = pipeline.schema_changes == "evolve" and pipeline.deletes == "mark"
        if isinstance(info.data.get("destination"), ParquetSettings) and not is_plain:
            raise ValueError(
                "a parquet destination keeps each change as it was made, so it knows neither"
                " `schema: freeze` nor `deletes: remove`; leave them out, or load into duckdb"
            )
        return pipeline

    def as_yaml(self) -> str:
        """Return the configuration as YAML, secrets masked."""
        values = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def read_configuration(file: Path | None = None, overrides: Sequence[str] = ()) -> Configuration:
    """Read the file, the environment and the overrides; ConfigurationError has every problem."""
    file = file or Path(os.environ.get(FILE_VARIABLE, DEFAULT_FILE))
    unset: dict[str, str] = {}
    values = _resolve(_read_file(file), "", unset)
    problems = [*unset.values(), *_find_misspelled_variables()]
    option_values = _parse_overrides(overrides)
    configuration, wrong = _validate(option_values, values)
    # What is wrong with a value that could not be filled in is said already.
    problems += [problem for key, problem in wrong if key not in unset]
    if problems or configuration is None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise ConfigurationError(f"{file} cannot be used:{lines}")
    anchored: Configuration = _anchor(configuration, file.resolve().parent)
    return anchored


def _validate(
    overrides: dict[str, Any], file: dict[str, Any]
) -> tuple[Configuration | None, list[tuple[str, str]]]:
    """Join the places that values come from, in the order of their precedence.

    Give the configuration, and what is wrong with which key.
    """

    class Joined(Configuration):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, file)

    try:
        return Joined(**overrides), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=True)
        keys = [".".join(_path_in_file(detail["loc"])) for detail in details]
        return None, list(zip(keys, map(_describe, details), strict=True))
    except SettingsError as error:
        return None, [("", _describe_no_json(error))]


# ---- the file ----


class _Loader(yaml.SafeLoader):
    """YAML in which a key that occurs twice is an error, and not silently the last one.

    What looks like a day and is none, such as 2026-13-01, is text: the setting is named then.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Return text where a scalar has no value of its type."""
        try:
            return super().construct_object(node, deep=deep)
        except ValueError:
            if not isinstance(node, yaml.ScalarNode):
                raise
            del self.recursive_objects[node]
            return node.value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        """Refuse a key that occurs twice."""
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"{key} occurs twice", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep=deep)


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = yaml.load(file.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read ({error.strerror}): create it as the README shows, or name"
            " another with --config"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:  # its own text repeats the line, and with it secrets
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{file}{place}: {error.problem}; correct the YAML") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"{file} has no keys: it needs `sources` and `destination`")
    return values


def _resolve(value: Any, key: str, unset: dict[str, str]) -> Any:
    """Replace every `${NAME}`; a key whose variable is not set is in `unset` with the problem."""
    if isinstance(value, dict):
        parts: Any = value.items()
        return {name: _resolve(part, f"{key}.{name}".lstrip("."), unset) for name, part in parts}
    if isinstance(value, list):
        return [_resolve(part, f"{key}.{place}", unset) for place, part in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        escape, name = found.groups()
        if escape:
            return f"${{{name}}}"
        if name not in os.environ:
            unset[key] = f"{key}: the environment has no variable {name}; set it"
        return os.environ.get(name, "")

    return _REFERENCE.sub(replace, value)


# ---- the environment and the command line ----


def _find_misspelled_variables() -> Iterator[str]:
    """Name the variables with our prefix that set nothing."""
    for variable in os.environ:
        if not variable.upper().startswith(PREFIX) or variable.upper() == FILE_VARIABLE:
            continue
        key = variable[len(PREFIX) :].lower().split("__")[0]
        if key not in Configuration.model_fields:
            nearest = _suggest(key, Configuration.model_fields)
            yield f"the variable {variable} sets nothing: there is no key {key}{nearest}"


def _parse_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    """Turn `destination.path=x` into {"destination": {"path": "x"}}; a value is YAML."""
    values: dict[str, Any] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigurationError(
                "--set takes a key and a value: --set destination.path=x.duckdb"
            )
        *parents, last = key.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        try:
            place[last] = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
        except yaml.YAMLError as error:
            raise ConfigurationError(f"--set {key}: the value is no YAML; quote it") from error
    return values


# ---- what comes out ----


def _describe_no_json(error: SettingsError) -> str:
    """Name the variable by its value, which the error of the JSON has and no message shows."""
    value = getattr(error.__cause__, "doc", None)
    names = [
        name
        for name, text in os.environ.items()
        if name.upper().startswith(PREFIX) and text == value
    ]
    return (
        f"the variable {' or '.join(names)} is no JSON: write a section, a list or a mapping as"
        f" JSON, or set one key, as {PREFIX}DESTINATION__PATH does"
    )


_WORDS = {
    "^(Input|String|List|Dictionary) should": "the value must",
    "a valid dictionary.*": "keys with values",
    "a valid list": "a list, such as [a, b]",
    "a valid timedelta.*": "a time, such as PT10M, P1D or 00:10:00",
    "a valid string": "text: put it in quotes",
    " after validation, not [0-9]+$": "",
}


def _describe(detail: ErrorDetails) -> str:
    """Return one problem: the key as the file has it, what is wrong, the remedy."""
    path = _path_in_file(detail["loc"])
    key, kind, message = ".".join(path), detail["type"], detail["msg"]
    if kind == "missing":
        return f"{key} is missing: add it"
    if kind == "extra_forbidden":
        return f"{key} is no setting: remove it{_suggest(path[-1], _siblings(detail['loc']))}"
    if kind == "union_tag_not_found":
        return f"{key}.type is missing: one of {_list_types(path[0])}"
    if kind == "union_tag_invalid":
        return f"{key}.type is unknown: use one of {_list_types(path[0])}"
    variable = f"{PREFIX}{'__'.join(path).upper()}"
    place = f" (set by {variable})" if variable in {name.upper() for name in os.environ} else ""
    message = message.removeprefix("Value error, ")
    for pydantic, ours in _WORDS.items():
        message = re.sub(pydantic, ours, message)
    return f"{key}{place}: {message}"


def _path_in_file(loc: tuple[int | str, ...]) -> list[str]:
    """Leave out what pydantic adds to a location: the type of a source or destination."""
    path = [str(part) for part in loc if part != "[key]"]
    tag = {"sources": 2, "destination": 1}.get(path[0])
    if tag is not None and len(path) > tag and path[tag] in _models(path[0]):
        del path[tag : tag + (2 if path[tag : tag + 2] == [TAG, "settings"] else 1)]
    return path


_SECTIONS: dict[str, type[BaseModel]] = {
    "metrics": MetricsSettings,
    "alerts": AlertSettings,
    "s3": S3Settings,
    "gcs": GcsSettings,
}


def _siblings(loc: tuple[int | str, ...]) -> list[str]:
    """List the keys that are known where a location is."""
    if len(loc) == 1:
        return list(Configuration.model_fields)
    model = _SECTIONS.get(str(loc[0]), PipelineSettings)
    if loc[0] in ("sources", "destination"):
        model = _models(str(loc[0]))[str(loc[2 if loc[0] == "sources" else 1])]
        if model is CustomSettings:
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(key: str) -> dict[str, type[BaseModel]]:
    """Return the settings model of each type of source or destination."""
    models: dict[str, tuple[type[BaseModel], ...]] = {
        "sources": get_args(_Source),
        "destination": get_args(_Destination),
    }
    return {_type_of(model): model for model in models[key]}


def _type_of(model: type[BaseModel]) -> str:
    if model is CustomSettings:
        return TAG
    name: str = model.model_fields["type"].annotation.__args__[0]  # type: ignore[union-attr]
    return name


def _list_types(key: str) -> str:
    names = [f"'{name}'" for name in _models(key) if name != TAG]
    own = " or a class of your own, package.module:Class" if key == "sources" else ""
    return f"{', '.join(names)}{own}"


def _suggest(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    if not known:
        return ""
    nearest = get_close_matches(name, list(known), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(known)}"


def _anchor(value: Any, folder: Path) -> Any:
    """Make every relative path begin at the folder."""
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, dict):
        return {key: _anchor(part, folder) for key, part in value.items()}
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return value.model_copy(update={f: _anchor(getattr(value, f), folder) for f in fields})
    return value
