"""Asks the questions of one account, each once, and judges the facts by the answers."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from api import AuthError, KlaviyoError, TransientError
from scripts.command import CommandError
from scripts.doctor import checks, questions
from scripts.doctor.answers import Answer, UndeterminableError, read
from scripts.doctor.facts import Fact, Verdict, find_zone
from scripts.doctor.questions import Call, Question, read_id
from session import KlaviyoSession
from streams.catalog import CONVERSION_AGGREGATES
from tables.jsonapi import Json

MOST_UNANSWERED = 2  # in a row; the retries of each have waited a minute
PREFERRED_METRIC = "Placed Order"


@dataclass(frozen=True)
class Result:
    """A fact with the verdict of one account. `seen` says what was found, or why nothing was."""

    fact: Fact
    verdict: Verdict
    seen: str

    @property
    def differs(self) -> bool:
        """Whether Klaviyo does something else than the connector assumes."""
        return self.verdict == "differs"


class Examination:
    """The examination of the account that a session opens; `show` prints each question's title.

    `tables` are those that the account's connection syncs.
    """

    def __init__(
        self, session: KlaviyoSession, tables: Collection[str], show: Callable[[Question], None]
    ) -> None:
        self._session, self._tables, self._show = session, tables, show
        self._answers: dict[Question, Answer] = {}
        self._unanswered = 0  # in a row
        # Every later question would fail like the first one.
        if isinstance(error := self.answer(questions.ACCOUNT).error, KlaviyoError):
            raise error
        self.now: datetime = session.client.now

    @property
    def account_id(self) -> str:
        """The id of the account, which no report names."""
        return read_id(self.records(questions.ACCOUNT)[0])

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone. Raises UndeterminableError if it is unknown."""
        return find_zone(self.answer(questions.ACCOUNT))

    def results(self) -> Iterator[Result]:
        """Every fact with its verdict, as soon as its questions are answered."""
        for fact in checks.FACTS:
            answers = [self.answer(question) for question in fact.asks]
            yield Result(fact, *fact.judge(answers))

    def answer(self, question: Question) -> Answer:
        """The answer to a question, which is asked only once."""
        if question not in self._answers:
            self._answers[question] = self._ask(question)
        return self._answers[question]

    def _ask(self, question: Question) -> Answer:
        if not question.is_asked(self._tables):
            return Answer(error=UndeterminableError("its table is not among `tables`"))
        try:
            call = question.build(self)
            self._show(question)
            document = self._send(call)
        except AuthError:
            raise
        except UndeterminableError as reason:
            return Answer(error=reason)
        except KlaviyoError as error:
            self._stop_if_klaviyo_is_down(error)
            return Answer(error=error, limits=self._session.client.rate_limit)
        self._unanswered = 0
        return Answer(document, limits=self._session.client.rate_limit)

    def _send(self, call: Call) -> Json:
        if call.body is None:
            return self._session.get(call.path, call.query)
        is_aggregate = call.path == CONVERSION_AGGREGATES.path
        ask = self._session.aggregate if is_aggregate else self._session.report
        return next(ask(call.path, call.body))

    def _stop_if_klaviyo_is_down(self, error: KlaviyoError) -> None:
        is_silent = isinstance(error, TransientError) and not error.throttled
        self._unanswered = self._unanswered + 1 if is_silent else 0
        if self._unanswered >= MOST_UNANSWERED:
            raise CommandError(f"Klaviyo does not answer: {error}") from None

    # The rest is for questions that need earlier answers.

    def records(self, question: Question) -> list[Json]:
        """The records of the answer to a question; UndeterminableError if there are none."""
        records = self.answer(question).records
        if not records:
            raise UndeterminableError(f"nothing is listed: {question.title}")
        return records

    def metric_id(self, name: str) -> str:
        """The id of the first metric of this name; UndeterminableError if there is none."""
        for metric in self.records(questions.METRICS):
            if read(metric, ("attributes", "name"), str) == name:
                return read_id(metric)
        raise UndeterminableError(f"the account has no metric {name}")

    def conversion_metric_id(self) -> str:
        """The id of the account's revenue metric, of Placed Order, or of any metric."""
        for role in self.answer(questions.MAPPED_METRICS).records:
            mapped = read(role, ("relationships", "metric", "data", "id"), str)
            if mapped and read_id(role) == "revenue":
                return mapped
        try:
            return self.metric_id(PREFERRED_METRIC)
        except UndeterminableError:
            return read_id(self.records(questions.METRICS)[0])
