"""Send the results of yesterday's or last week's campaigns, as an e-mail or to a webhook.

exit codes:
  0  the digest is sent, or written with --dry-run
  1  the warehouse, the mail server or the webhook failed, the period is not synced to its end, or
     it ends before the data begin
  2  an option or setting is missing or malformed, or the packages that it needs are missing
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path

from scripts import clouds
from scripts.command import command
from scripts.digest import build_digest
from scripts.digest.period import add_period_options, choose_period
from scripts.digest.send import TRANSPORTS, read_digest_settings
from scripts.warehouse import TARGETS, WarehouseSettings

EXIT_CODES = str(__doc__).partition("\n\n")[2]


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the subcommand that the arguments name."""
    options = _build_parser().parse_args(arguments)
    options.run(options)


def send_digest(options: argparse.Namespace) -> None:
    """Send the digest, or write it to a file."""
    warehouse = WarehouseSettings.read(dbt_target=options.target)
    period = choose_period(options)
    if options.dry_run:
        message = build_digest(warehouse, period, options.link or "")
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_bytes(message.as_bytes())
        print(f"{options.output}: {message['Subject']}")
        return
    mail = read_digest_settings(
        digest_by=options.by, digest_to=options.to, digest_link=options.link
    )
    mail.send(build_digest(warehouse, period, mail.digest_link))


def send_test_message(options: argparse.Namespace) -> None:
    """Send a short message that proves the mail settings, without a warehouse."""
    mail = read_digest_settings(digest_by=options.by, digest_to=options.to)
    message = EmailMessage()
    message["Subject"] = " ".join(options.subject.split())
    message.set_content(options.body)
    mail.send(message)


def bootstrap_ses(options: argparse.Namespace) -> None:
    """Prepare Amazon SES to send from a domain."""
    clouds.require("Amazon SES", "boto3")
    from scripts.digest import ses  # noqa: PLC0415 - `make demo` does not install its client

    ses.verify_domain(options.domain, is_dry_run=options.dry_run)


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        ".venv/bin/python -m scripts.digest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="DIGEST_... and SMTP_... in the environment or .env say how e-mails are sent;"
        " .env.example\nexplains each. AWS_... are the credentials of Amazon SES.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def add_command(
        name: str, run: Callable[[argparse.Namespace], None], text: str
    ) -> argparse.ArgumentParser:
        subparser = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            epilog=EXIT_CODES,
        )
        subparser.set_defaults(run=run)
        return subparser

    digest = add_command("send", send_digest, "send the digest")
    add = digest.add_argument
    add_period_options(digest)
    add("--target", choices=TARGETS, help="dbt's target: where the marts are (DBT_TARGET)")
    add("--link", metavar="URL", help="address of the dashboard (DIGEST_LINK)")
    add("--dry-run", action="store_true", help="write the e-mail to a file, send nothing")
    output = Path("build/digest.eml")
    add(
        "--output",
        type=Path,
        default=output,
        metavar="FILE",
        help="file that --dry-run writes (%(default)s)",
    )

    smoke = add_command(
        "smoke", send_test_message, "send a test message, to check the mail settings"
    )
    add = smoke.add_argument
    add("--subject", default="Test message", metavar="TEXT", help="default: %(default)s")
    add(
        "--body",
        default="The digest can be sent this way.",
        metavar="TEXT",
        help="default: %(default)s",
    )
    for subcommand in (digest, smoke):
        subcommand.add_argument("--by", choices=TRANSPORTS, help="the transport (DIGEST_BY)")
        subcommand.add_argument(
            "--to", metavar="ADDRESSES", help="recipients, separated by commas (DIGEST_TO)"
        )

    ses = add_command("ses-bootstrap", bootstrap_ses, "prepare Amazon SES to send from a domain")
    ses.add_argument("domain", help="such as example.com")
    ses.add_argument("--dry-run", action="store_true", help="print what would be done")
    return parser


if __name__ == "__main__":
    sys.exit(main())
