"""Send the results of yesterday's or last week's campaigns as an e-mail.

exit codes:
  0  the e-mail is sent, or written with --dry-run
  1  the warehouse or the mail server failed, or the period is not synced to its end or lies
     before the data begin
  2  an option or setting is missing or malformed
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from looker import semantic
from scripts import letter, mail, results, warehouse
from scripts.command import UsageError, command, day
from scripts.results import Period
from scripts.warehouse import TARGETS, WarehouseSettings


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    options = _parser().parse_args(arguments)
    options.run(options)


def send(options: argparse.Namespace) -> None:
    """Send the digest, or write it to a file."""
    settings = WarehouseSettings.read(dbt_target=options.target)
    days = period(options)
    if options.dry_run:
        write(compose(settings, days, options.link or ""), options.output)
        return
    sender = mail.read(digest_by=options.by, digest_to=options.to, digest_link=options.link)
    sender.send(compose(settings, days, sender.digest_link))


def compose(settings: WarehouseSettings, period: Period, link: str = "") -> EmailMessage:
    """The digest of a period."""
    semantics = semantic.load()
    with warehouse.opened(settings) as source:
        return letter.compose(results.read(source, semantics, period), semantics, link)


def write(message: EmailMessage, file: Path) -> None:
    """Write a message that any mail program opens."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(message.as_bytes())
    print(f"{file}: {message['Subject']}")


def period(options: argparse.Namespace) -> Period:
    """The days from --start to --end, or the whole day or week before today."""
    if (options.start is None) != (options.end is None):
        raise UsageError("--start and --end go together.")
    if options.start is None:
        return before(datetime.now(UTC).date(), options.period)
    if options.start >= options.end:
        raise UsageError(f"--end {options.end} must come after --start {options.start}.")
    return Period(options.start, options.end)


def before(today: date, length: str) -> Period:
    """Yesterday, or the last whole ISO week."""
    if length == "day":
        return Period(today - timedelta(days=1), today)
    monday = today - timedelta(days=today.weekday())
    return Period(monday - timedelta(weeks=1), monday)


def add_period(parser: argparse.ArgumentParser) -> None:
    """Add the options that `period` reads."""
    add = parser.add_argument
    add("--period", choices=["day", "week"], default="day", help="yesterday, or the last ISO week")
    add("--start", type=day, metavar="DAY", help="instead: the first day")
    add("--end", type=day, metavar="DAY", help="and the day after the last one")


def smoke(options: argparse.Namespace) -> None:
    """Send a message that says only that the way is open."""
    sender = mail.read(digest_by=options.by, digest_to=options.to)
    message = EmailMessage()
    message["Subject"] = " ".join(options.subject.split())
    message.set_content(options.body)
    sender.send(message)


def bootstrap(options: argparse.Namespace) -> None:
    """Prepare Amazon SES to send from a domain."""
    mail.verify_domain(options.domain, is_dry=options.dry_run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.digest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="DIGEST_... and SMTP_... in the environment or .env say how e-mails are sent;"
        " .env.example\nexplains each. SES is reached by AWS_... and sends no faster than it may.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    digest = commands.add_parser("send", help="send the digest")
    digest.set_defaults(run=send)
    add = digest.add_argument
    add_period(digest)
    add("--target", choices=TARGETS, help="dbt's target: where the marts are (DBT_TARGET)")
    add("--link", metavar="URL", help="address of the dashboard (DIGEST_LINK)")
    add("--dry-run", action="store_true", help="write the e-mail to a file, send nothing")
    add("--output", type=Path, default=Path("build/digest.eml"), help="that file (%(default)s)")

    test = commands.add_parser("smoke", help="send a test message")
    test.set_defaults(run=smoke)
    test.add_argument("--subject", default="Test message", help="(%(default)s)")
    test.add_argument("--body", default="The digest can be sent this way.", help="(%(default)s)")
    for sending in (digest, test):
        sending.add_argument("--by", choices=mail.WAYS, help="how it is sent (DIGEST_BY)")
        sending.add_argument("--to", help="recipients, separated by commas (DIGEST_TO)")

    ses = commands.add_parser("ses-bootstrap", help="prepare Amazon SES to send from a domain")
    ses.set_defaults(run=bootstrap)
    ses.add_argument("domain")
    ses.add_argument("--dry-run", action="store_true", help="say what would be done")
    return parser


if __name__ == "__main__":
    sys.exit(main())
