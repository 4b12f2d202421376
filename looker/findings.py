"""`findings.yml` as typed values: the words, limits and order of what to do next."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from looker.errors import LookerError
from looker.yaml_reader import construct, read_yaml

FINDINGS = Path(__file__).parent / "findings.yml"
VALUES = ("subject", "figure", "comparison", "sample", "times")  # of a row, in the words of a rule
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Rule:
    """A rule: its words, its limits, and the page that a finding links to.

    `finding` states a fact, `suggestion` what to do about it, and `why` when the rule speaks.
    """

    id: str
    tone: Literal["problem", "chance", "notice"]
    suggestion: str
    finding: str
    why: str
    sample: str  # what the sample size counts
    format: str  # of the figure and its comparison
    page: str
    limits: dict[str, float]


@dataclass(frozen=True)
class Findings:
    """The rules in order; at most `shown` findings are shown, on pages of the last `days`."""

    shown: int
    days: int
    rules: list[Rule]


def load(path: Path = FINDINGS) -> Findings:
    """Read the declaration, with the limits written into the words."""
    content = read_yaml(path)
    declared = construct(Findings, content, path)
    rules = [construct(Rule, rule, path) for rule in content["rules"]]
    return replace(declared, rules=[_fill_limits(rule, path) for rule in rules])


def _fill_limits(rule: Rule, path: Path) -> Rule:
    """The rule with each limit in its words; a name that is neither limit nor value is an error."""

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        if name in rule.limits:
            return f"{rule.limits[name]:,}"
        if name in VALUES:
            return found[0]
        raise LookerError(f"{path.name}, rule {rule.id!r}: no limit or value is named {name!r}.")

    words = {
        name: PLACEHOLDER.sub(fill, " ".join(getattr(rule, name).split()))
        for name in ("suggestion", "finding", "why")
    }
    return Rule(**{**vars(rule), **words})
