"""Finds the metrics that a comma-separated setting names. Pure.

The name of a metric may hold commas itself: of the parts, the longest run that is a name counts.

    setting   Ordered, then paid, Opened Email
    parts     Ordered | then paid | Opened Email
    metrics   Ordered, then paid  | Opened Email
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

MAX_SUGGESTIONS = 3


def split_parts(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated text, in order, without blanks around them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def find_runs(
    parts: Sequence[str], ids_by_name: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Each name or id that the parts make, with its ids; a part that is neither has none."""
    known: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, ids in ids_by_name.items():
        known[split_parts(name)] += ids
    for id_ in [id_ for ids in ids_by_name.values() for id_ in ids]:
        known.setdefault((id_,), [id_])
    start = 0
    while start < len(parts):
        runs = (tuple(parts[start:end]) for end in range(len(parts), start, -1))
        run = next((run for run in runs if run in known), (parts[start],))
        yield ", ".join(run), known.get(run, [])
        start += len(run)


def find_near_names(part: str, names: Iterable[str]) -> list[str]:
    """The names that a part resembles, as a whole or between commas, in any case of letters."""
    by_text: dict[str, str] = {}
    for name in names:
        for text in (name, *split_parts(name)):
            by_text.setdefault(text.lower(), name)
    near = get_close_matches(part.lower(), by_text, n=MAX_SUGGESTIONS)
    return list(dict.fromkeys(by_text[text] for text in near))
