"""`explores.yml` as typed values, with every name checked against dbt's semantic layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from looker.errors import LookerError
from looker.semantic import SemanticModel, Semantics
from looker.yaml_reader import construct, read_yaml

FILE = Path(__file__).parent / "explores.yml"


@dataclass(frozen=True)
class Join:
    """How a row of a mart finds the one row of another: equal columns, by name in each."""

    columns: list[tuple[str, str]]
    relationship: str


@dataclass(frozen=True)
class Explores:
    """The marts with a filter on their date, and the marts that an explore joins to its own."""

    daily: list[str]
    joins: dict[str, list[str]]

    def joined_models(self, model: SemanticModel) -> list[str]:
        """The names of the models that a model's explore joins."""
        return self.joins.get(model.name, [])


def load(semantics: Semantics, path: Path = FILE) -> Explores:
    """Read the declaration; a join that could repeat a row is an error."""
    explores = construct(Explores, read_yaml(path), path)
    for problem in _find_problems(explores, semantics):
        raise LookerError(f"{path.name}: {problem}.")
    return explores


def find_join(model: SemanticModel, joined: SemanticModel) -> Join:
    """How a model joins another: on the columns that identify the other's row.

    Models of the same rows, such as people, join on their keys, which are made of the same columns.
    """
    if model.grain == joined.grain:
        return Join([(model.key, joined.key)], "one_to_one")
    return Join([(column, column) for column in joined.grain], "many_to_one")


def _find_problems(explores: Explores, semantics: Semantics) -> Iterator[str]:
    for name in explores.daily:
        semantics.model(name)
    for name, others in explores.joins.items():
        for other in others:
            model, joined = semantics.model(name), semantics.model(other)
            columns = {column for column, _ in find_join(model, joined).columns}
            if not joined.grain or columns - {model.key, *model.dimensions}:
                yield (
                    f"{name} lacks columns that identify a row of {other}:"
                    " a join would repeat its rows"
                )
