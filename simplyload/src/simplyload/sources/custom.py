"""A source of the user's own in the configuration: `type: package.module:Class`.

The class is called with its settings and the stream's name, as in docs/write_a_source.md; its
`Settings`, a pydantic model, declares the keys beside `type`.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from simplyload.sources.source import Source

TAG = "custom"
_OWN = {"type", "schema"}


def _check_type(name: str) -> str:
    load_class(name)
    return name


class CustomSettings(BaseModel):
    """What the configuration says of such a source; `settings` is all that its class asks for."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    type: Annotated[str, AfterValidator(_check_type)]
    schema_: str | None = Field(default=None, alias="schema")
    """the schema in the destination; without it the name of the stream"""
    settings: Any = Field(default_factory=dict, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _part(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        own = {key: setting for key, setting in value.items() if key in _OWN}
        return {
            **own,
            "settings": {key: setting for key, setting in value.items() if key not in _OWN},
        }

    @field_validator("settings")
    @classmethod
    def _parse(cls, value: Any, info: ValidationInfo) -> Any:
        if "type" not in info.data:
            return value  # the error of `type` is the one to correct
        return load_class(info.data["type"]).Settings.model_validate(value)

    @model_serializer(mode="wrap")
    def _flatten(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = dump(self)
        own = values.pop("settings")
        return {**values, **own}

    def open(self, stream: str) -> Source:
        """Return the source of a stream."""
        source: Source = load_class(self.type)(self.settings, stream)
        return source


def load_class(name: str) -> Any:
    """Return the class that a `type` names; ValueError has the remedy."""
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", name):
        raise ValueError("a source of your own is a module and a class, as in my_package.desk:Desk")
    module_name, _, class_name = name.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"Python finds no module {error.name}: install the package beside simplyload, or add"
            " its folder to the variable PYTHONPATH"
        ) from None
    except Exception as error:  # noqa: BLE001 - code of the user's own; its text may have secrets
        raise ValueError(
            f"Python cannot import {module_name} ({type(error).__name__}):"
            f" python -c 'import {module_name}' shows where"
        ) from None
    found = getattr(module, class_name, None)
    settings = getattr(found, "Settings", None)
    if not isinstance(settings, type) or not issubclass(settings, BaseModel):
        raise ValueError(  # noqa: TRY004 - pydantic tells the user of a ValueError
            f"{module_name} has no class {class_name} with `Settings`, a pydantic model of what may"
            " stand beside `type`: docs/write_a_source.md has an example"
        )
    _check_shape(name, found)
    return found


def _check_shape(name: str, found: Any) -> None:
    """Raise where a class lacks a method of a source, or takes other arguments."""
    abstract = getattr(found, "__abstractmethods__", ())
    wanted = [method for method in vars(Source) if not method.startswith("_")]
    if lacking := [method for method in wanted if method in abstract or not hasattr(found, method)]:
        raise ValueError(
            f"{name} has no {', '.join(lacking)}: BaseSource has all methods of a source but"
            " `tables` and `read`"
        )
    try:
        signature(found).bind(None, "")
    except TypeError:
        raise ValueError(f"{name} has to take its settings and the name of the stream") from None
