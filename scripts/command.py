"""What every command shares: its settings, the types of its options, and its exit codes."""

import argparse
import functools
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Self, TypeVar

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from looker.errors import LookerError
from looker.private import keep_files_private


class CommandError(Exception):
    """Ends a command: the message is its last line, `code` its exit code."""

    code = 1


class UsageError(CommandError):
    """An option has a value that the command cannot use; nothing was done."""

    code = 2


class SettingsError(UsageError):
    """Missing or malformed settings, each by its name and never with its value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            f"{'; '.join(problems)}. Settings come from the environment or from .env;"
            " .env.example explains each."
        )
        self.problems = problems


Main = Callable[[Sequence[str] | None], None]


def command(main: Main) -> Callable[..., int]:
    """Turn `main` into a function that prints an error in one line and returns the exit code.

    `.env` sets the variables that the environment lacks, also for dbt and for libraries. Only the
    owner can read the files that a command writes.
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        # An empty value would count as set for dbt and boto3, which read the environment too.
        for name, value in dotenv_values(".env").items():
            if value:
                os.environ.setdefault(name, value)
        try:
            with keep_files_private():
                main(arguments)
        except (CommandError, LookerError) as error:
            print(f"\n{error}", file=sys.stderr)
            return getattr(error, "code", 1)
        except OSError as error:
            print(f"\n{_format_os_error(error)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130  # the exit code that a shell gives a program ended by Ctrl-C
        return 0

    return run


def _format_os_error(error: OSError) -> str:
    """Name the file and the problem, without the system's error number."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


class Settings(BaseSettings):
    """Settings, each by its name in capitals in the environment. The command line overrides them.

    An empty setting counts as not set. Secrets are SecretStr, which masks its value in output.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True)

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """Read the settings; `overrides` come from the command line, None where it has none."""
        try:
            return cls(**{name: value for name, value in overrides.items() if value is not None})
        except ValidationError as error:
            raise SettingsError(_list_problems(error)) from None

    def as_env(self) -> dict[str, str]:
        """The settings that have a value, by environment variable, secrets masked."""
        return {name.upper(): str(value) for name, value in self if str(value)}


def _list_problems(error: ValidationError) -> list[str]:
    problems = []
    for detail in error.errors(include_url=False, include_input=False):
        name = "_".join(map(str, detail["loc"])).upper()
        if detail["type"] == "missing":
            problems.append(f"{name} is not set")
        else:
            problems.append(f"{name}: {detail['msg'].removeprefix('Value error, ')}")
    return problems


Value = TypeVar("Value")


def argument_type(form: str, parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Make a type for argparse from `parse`. Its error says that the text is not `form`."""

    def parse_option(text: str) -> Value:
        try:
            return parse(text)
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError(f"{text!r} is not {form}") from None

    return parse_option


def _parse_positive_int(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


iso_date = argument_type("a day such as 2026-01-31", date.fromisoformat)
positive_int = argument_type("a whole number from 1 on", _parse_positive_int)
