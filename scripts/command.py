"""What every command here shares: where settings come from, and how it ends when it fails."""

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


class CommandError(Exception):
    """What ends a command: the message is its last line, `code` its exit code."""

    code = 1


class UsageError(CommandError):
    """An option cannot be meant; nothing was done."""

    code = 2


class SettingsError(UsageError):
    """Settings that are missing or malformed, each named; never with its value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            f"{'; '.join(problems)}. Settings come from the environment or from .env;"
            " .env.example explains each."
        )
        self.problems = problems


Main = Callable[[Sequence[str] | None], None]


def command(main: Main) -> Callable[..., int]:
    """Make of `main` a function that gives the exit code and says an error in one line.

    `.env` fills in what the environment lacks, also for dbt and the libraries that read it there.
    """

    @functools.wraps(main)
    def run(arguments: Sequence[str] | None = None) -> int:
        for name, value in dotenv_values(".env").items():
            if value:
                os.environ.setdefault(name, value)
        try:
            main(arguments)
        except (CommandError, LookerError) as error:
            print(f"\n{error}", file=sys.stderr)
            return getattr(error, "code", 1)
        except OSError as error:
            print(f"\n{_in_words(error)}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130  # what a shell says of a program that Ctrl-C ended
        return 0

    return run


def _in_words(error: OSError) -> str:
    """The file and what is wrong with it, without the number that the system gives it."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error)


class Settings(BaseSettings):
    """Settings, each by its name in capitals in the environment; the command line's come first.

    An empty one counts as not set. Secrets are SecretStr, which does not show what it holds.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True)

    @classmethod
    def read(cls, **given: Any) -> Self:
        """The settings; `given` are those of the command line, None where it has none."""
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise SettingsError(_problems(error)) from None

    def shown(self) -> dict[str, str]:
        """The settings that have a value, by name in capitals, secrets masked."""
        return {name.upper(): str(value) for name, value in self if str(value)}


def _problems(error: ValidationError) -> list[str]:
    found = []
    for problem in error.errors(include_url=False, include_input=False):
        name = "_".join(map(str, problem["loc"])).upper()
        missing = problem["type"] == "missing"
        found.append(
            f"{name} is not set"
            if missing
            else f"{name}: {problem['msg'].removeprefix('Value error, ')}"
        )
    return found


Value = TypeVar("Value")


def expected(form: str, read: Callable[[str], Value]) -> Callable[[str], Value]:
    """What reads an option's text, for argparse; a text that is not of this form is told so."""

    def given(text: str) -> Value:
        try:
            return read(text)
        except (ValueError, OverflowError):
            raise argparse.ArgumentTypeError(f"{text!r} is not {form}") from None

    return given


def _one_or_more(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


day = expected("a day such as 2026-01-31", date.fromisoformat)
count = expected("a whole number from 1 on", _one_or_more)
