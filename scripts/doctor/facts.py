"""A fact about Klaviyo: the questions that show it, and the pure function that judges it.

A finding holds counts and our own words, never a text of Klaviyo's: the report can be published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from api import ContractError, KlaviyoError, RateLimitHeaders, ScopeError
from scripts.doctor.questions import Question, UndeterminableError
from session import QuotaSpentError
from tables.jsonapi import Json, documents, get_path

Verdict = Literal["confirmed", "differs", "not determinable"]
# What reading an answer raises that has another form than documented and recorded.
MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Answer:
    """Klaviyo's answer to a question: a document, or the reason why there is none."""

    document: Json = None
    error: KlaviyoError | UndeterminableError | None = None
    limits: RateLimitHeaders = field(default_factory=RateLimitHeaders)

    @property
    def content(self) -> Json:
        """The document. Raises UndeterminableError with the reason where there is none."""
        if self.error is not None:
            raise UndeterminableError(explain(self.error))
        return self.document

    @cached_property
    def records(self) -> list[Json]:
        """The records of a listing, each with its `related` resources."""
        return list(documents(self.content))

    @property
    def has_more(self) -> bool:
        """Whether there is a next page."""
        return bool(self.content["links"].get("next"))


def explain(error: Exception) -> str:
    """Why a request has no document, without Klaviyo's own words: they may hold an id."""
    if isinstance(error, UndeterminableError):
        return str(error)
    if isinstance(error, ScopeError):
        return "the key lacks the scope"
    if isinstance(error, QuotaSpentError):
        return "the day's quota of this report is used up"
    return f"the request failed ({type(error).__name__})"


@dataclass(frozen=True)
class Finding:
    """What an account shows of a fact."""

    holds: bool
    seen: str


Check = Callable[..., Finding]  # takes the Answer to each question; may raise UndeterminableError


@dataclass(frozen=True)
class Fact:
    """A statement about Klaviyo that the connector relies on."""

    id: str
    sentence: str
    expected: str
    asks: tuple[Question, ...]
    check: Check

    def judge(self, answers: Sequence[Answer]) -> tuple[Verdict, str]:
        """The verdict on the answers, and what was seen, or why nothing could be."""
        try:
            finding = self.check(*answers)
        except UndeterminableError as reason:
            return "not determinable", str(reason)
        except MALFORMED as error:
            return "differs", f"an answer of another form ({type(error).__name__})"
        return "confirmed" if finding.holds else "differs", finding.seen


FACTS: list[Fact] = []  # in the order of their declaration


def fact(
    id_: str, sentence: str, *, expected: str, asks: Sequence[Question]
) -> Callable[[Check], Check]:
    """Declare a fact; the decorated function is its check."""

    def declare(check: Check) -> Check:
        FACTS.append(Fact(id_, sentence, expected, tuple(asks), check))
        return check

    return declare


def is_refused(answer: Answer) -> bool:
    """Whether Klaviyo calls the request itself wrong."""
    return isinstance(answer.error, ContractError)


def find_refusals(names: Sequence[str], answers: Sequence[Answer]) -> Finding:
    """A fact that holds where Klaviyo refuses none of these requests, and answers each of them."""
    asked = {name: answer for name, answer in zip(names, answers, strict=True) if is_asked(answer)}
    refused = [name for name, answer in asked.items() if is_refused(answer)]
    if not refused:
        require_answers(asked)
    accepted = sum(answer.error is None for answer in asked.values())
    suffix = f"; refused: {', '.join(refused)}" if refused else ""
    return Finding(not refused, f"{accepted} of {len(asked)} accepted{suffix}")


def is_asked(answer: Answer) -> bool:
    """Whether the account has what a question is about, and the key may read it."""
    return not isinstance(answer.error, UndeterminableError | ScopeError)


def require_answers(named: Mapping[str, Answer]) -> None:
    """Raise UndeterminableError where a request that was asked has no answer to judge by."""
    failed = [
        name for name, answer in named.items() if answer.error is not None and is_asked(answer)
    ]
    if failed:
        raise UndeterminableError(f"not answered: {', '.join(failed)}")
    if not any(map(is_asked, named.values())):
        raise UndeterminableError("none of the requests was answered")


def require(items: Sequence[Json], what: str) -> None:
    """Raise UndeterminableError where the account has none of what a fact is about."""
    if not items:
        raise UndeterminableError(f"the account shows no {what}")


def find_share(items: Sequence[Json], holds: Callable[[Json], bool], what: str) -> Finding:
    """A fact that has to hold for every item."""
    require(items, what)
    count = sum(map(holds, items))
    return Finding(count == len(items), f"{count} of {len(items)} {what}")


def find_zone(account: Answer) -> ZoneInfo:
    """The account's time zone. Raises UndeterminableError if it is unknown."""
    name = get_path(account.content, ("data", "0", "attributes", "timezone"))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        raise UndeterminableError("the account has no known time zone") from None
