"""Check on an account what the connector assumes of Klaviyo, with requests that only read.

Each account of KLAVIYO_API_KEY takes about a minute, and 6 report requests: Klaviyo allows 225 a
day of each report endpoint, and at most 2 of one endpoint are used. The file names nothing of the
account: attach it to an issue if a fact differs.

exit codes:
  0  every fact is confirmed, or this account cannot show it
  1  a fact differs, or Klaviyo does not answer; the last line says which
  2  the API key or an option is missing or wrong
"""

import argparse
import logging
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from api import AuthError, ConfigurationError, KlaviyoError
from configuration import parse_configuration
from scripts.command import CommandError, SettingsError, command
from scripts.configuration import read_configuration
from scripts.doctor import report
from scripts.doctor.answers import UndeterminableError
from scripts.doctor.checks import FACTS
from scripts.doctor.examination import Examination, Result
from scripts.doctor.questions import Question
from session import KlaviyoSession

DEFAULT_FILE = Path("build", "doctor.md")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Examine every account, print its table, and write the file."""
    options = _build_parser().parse_args(arguments)
    logging.basicConfig(format="         %(message)s")
    logging.getLogger("klaviyo").setLevel(logging.INFO)
    settings = parse_configuration(read_configuration())
    keys, tables = settings.api_keys, settings.tables
    accounts: dict[str, list[Result]] = {}
    for number, key in enumerate(keys, 1):
        print(f"Account {number} of {len(keys)}:", flush=True)
        _examine(key, f"account {number} of {len(keys)}", tables, accounts)
    _write(options.output, report.format_markdown(list(accounts.values()), _today()))
    _raise_if_any_differs(accounts, options.output)


def _examine(
    key: str, label: str, tables: Collection[str], accounts: dict[str, list[Result]]
) -> None:
    """Add the results of one account, unless an earlier key opened it."""
    session = KlaviyoSession(key)
    try:
        examination = Examination(session, tables, _make_progress(tables))
        if examination.account_id in accounts:
            print("the same account as that of an earlier key")
            return
        results = list(examination.results())
    except AuthError as error:
        raise SettingsError([f"KLAVIYO_API_KEY: {label}: {error}"]) from None
    except ConfigurationError as error:
        raise SettingsError([str(error)]) from None
    except (KlaviyoError, UndeterminableError) as error:
        raise CommandError(f"{label}: {error}") from None
    accounts[examination.account_id] = results
    print(f"\n{report.format_text(results)}\n\n{report.summarize(results)}")
    print(f"{session.requests} requests in all.", flush=True)


def _make_progress(tables: Collection[str]) -> Callable[[Question], None]:
    questions = {question for fact in FACTS for question in fact.asks}
    total = sum(question.is_asked(tables) for question in questions)
    numbers = count(1)

    def show(question: Question) -> None:
        print(f"[{next(numbers):2}/{total}] {question.title}", flush=True)

    return show


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    print(f"Written to {file}: no name, id or address of the account is in it.")


def _raise_if_any_differs(accounts: dict[str, list[Result]], file: Path) -> None:
    ids = {result.fact.id for results in accounts.values() for result in results if result.differs}
    if ids:
        names = ", ".join(sorted(ids))
        raise CommandError(f"Klaviyo differs: {names}. Attach {file} to an issue.")


def _today() -> date:
    return datetime.now(UTC).date()


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.doctor",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--output", type=Path, default=DEFAULT_FILE, metavar="FILE", help="default: %(default)s"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
