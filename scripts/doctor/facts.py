"""A fact about Klaviyo: the questions that show it, and the pure function that judges it.

A finding holds counts and our own words, never a text of Klaviyo's: the report can be published.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from api import ContractError, ScopeError
from scripts.doctor.answers import Answer, MalformedError, UndeterminableError, read
from scripts.doctor.questions import Question

Item = TypeVar("Item")
Verdict = Literal["confirmed", "differs", "not determinable"]


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
        except MalformedError as error:
            return "differs", str(error)
        except UndeterminableError as reason:
            return "not determinable", str(reason)
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


def require(items: Sequence[object], what: str) -> None:
    """Raise UndeterminableError where the account has none of what a fact is about."""
    if not items:
        raise UndeterminableError(f"the account shows no {what}")


def find_share(items: Sequence[Item], holds: Callable[[Item], bool], what: str) -> Finding:
    """A fact that has to hold for every item."""
    require(items, what)
    count = sum(map(holds, items))
    return Finding(count == len(items), f"{count} of {len(items)} {what}")


def find_zone(account: Answer) -> ZoneInfo:
    """The account's time zone. Raises UndeterminableError if it is unknown."""
    name = read(account.content, ("data", "0", "attributes", "timezone"), str)
    try:
        return ZoneInfo(name or "")
    except (KeyError, ValueError, OSError):  # what ZoneInfo raises for a name that it lacks
        raise UndeterminableError("the account has no known time zone") from None
