"""Random workloads: what applications do to a database, as data, and their execution.

Two sessions work at once: the second one's transactions commit steps later than they begin. Their
rows have numbers of their own, so neither waits for a lock of the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import psycopg2
from hypothesis import strategies as st
from psycopg2.extensions import TRANSACTION_STATUS_INTRANS
from psycopg2.extensions import connection as Connection  # noqa: N812

from tests.proof.tables import KINDS, Kind

FIRST_SESSION = st.integers(0, 7)
SECOND_SESSION = st.integers(100, 105)
DEFAULTS = ("", "default 7", "default 'd'", "not null default 'n'", "default clock_timestamp()")


@dataclass(frozen=True)
class Insert:
    """Insert a row unless it exists."""

    kind: Kind
    number: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class Update:
    """Change some columns of a row."""

    kind: Kind
    number: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class Delete:
    """Delete a row."""

    kind: Kind
    number: int


@dataclass(frozen=True)
class Rekey:
    """Change the key of a row, unless the new one exists."""

    kind: Kind
    number: int
    to: int


@dataclass(frozen=True)
class Fill:
    """Insert rows by the hundred, from a number on, and change those that exist."""

    kind: Kind
    first: int
    count: int


@dataclass(frozen=True)
class Savepoint:
    """Change rows after a savepoint, which is released or rolled back."""

    changes: Sequence["Change"]
    keep: bool


Change = Insert | Update | Delete | Rekey | Fill | Savepoint


@dataclass(frozen=True)
class Transaction:
    """Changes of the first session that are committed or rolled back together."""

    changes: Sequence[Change]
    commit: bool


@dataclass(frozen=True)
class Late:
    """Begin a transaction of the second session, which commits with the next of its kind."""

    changes: Sequence[Change]


@dataclass(frozen=True)
class Truncate:
    """Empty some tables, and insert rows in the same transaction."""

    kinds: Sequence[Kind]
    changes: Sequence[Change]


@dataclass(frozen=True)
class AddColumn:
    """Add a column; PostgreSQL fills old rows with its default and sends no change."""

    kind: Kind
    default: str


@dataclass(frozen=True)
class DropColumn:
    """Drop the column that was added last, or one of the first ones."""

    kind: Kind


@dataclass(frozen=True)
class Stop:
    """Run the pipeline; a share of a run's length says when it is killed, None that it is not."""

    kill: float | None = None


Step = Transaction | Late | Truncate | AddColumn | DropColumn | Stop
Kinds = st.SearchStrategy[Kind]


@st.composite
def changes(
    draw: st.DrawFn, kinds: Kinds, numbers: st.SearchStrategy[int], *, nested: bool = False
) -> Change:
    """Draw one change of a row, or of hundreds, or a savepoint with changes."""
    kind, number = draw(kinds), draw(numbers)
    choices = ["insert", "insert", "update", "update", "update", "delete", "rekey"]
    choice = draw(st.sampled_from([*choices, *([] if nested else ["fill", "savepoint"])]))
    if choice == "delete":
        return Delete(kind, number)
    if choice == "rekey":
        return Rekey(kind, number, draw(numbers))
    if choice == "fill":
        # Those of the first session end below those of the second one.
        return Fill(kind, 1_000 + 20 * number, draw(st.sampled_from((10, 600))))
    if choice == "savepoint":
        inner = st.lists(changes(kinds, numbers, nested=True), min_size=1, max_size=3)
        return Savepoint(draw(inner), draw(st.booleans()))
    values = draw(_values(kind))
    return Insert(kind, number, values) if choice == "insert" else Update(kind, number, values)


@st.composite
def _values(draw: st.DrawFn, kind: Kind) -> Mapping[str, str]:
    """Draw values for one to four columns of a table."""
    names = draw(
        st.lists(st.sampled_from(sorted(kind.values)), min_size=1, max_size=4, unique=True)
    )
    return {name: draw(st.sampled_from(kind.values[name])) for name in names}


@st.composite
def steps(draw: st.DrawFn, *, kills: bool, ddl: bool = True) -> list[Step]:
    """Draw a workload on up to three tables; it ends with a run that is not killed."""
    kinds = st.sampled_from(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)))
    some = st.lists(changes(kinds, FIRST_SESSION), min_size=1, max_size=6)
    choices: list[st.SearchStrategy[Step]] = [
        st.builds(Transaction, some, st.sampled_from((True, True, True, False))),
        st.builds(Transaction, some, st.just(value=True)),
        st.builds(Late, st.lists(changes(kinds, SECOND_SESSION), max_size=4)),
        st.builds(Truncate, st.lists(kinds, min_size=1, max_size=2), some),
        st.builds(Stop, st.none()),
        st.builds(Stop, st.floats(0, 1) if kills else st.none()),
    ]
    if ddl:
        choices.append(st.builds(AddColumn, kinds, st.sampled_from(DEFAULTS)))
        choices.append(st.builds(DropColumn, kinds))
    return [*draw(st.lists(st.one_of(choices), min_size=4, max_size=14)), Stop()]


@dataclass
class Application:
    """The application that executes a workload, with its two sessions."""

    dsn: str
    _first: Connection = field(init=False)
    _second: Connection = field(init=False)
    _added: list[tuple[Kind, str]] = field(default_factory=list, init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        self._first, self._second = psycopg2.connect(self.dsn), psycopg2.connect(self.dsn)
        for kind in KINDS:
            last = {name: values[-1] for name, values in kind.values.items()}
            rows = (render(Insert(kind, number, last)) for number in (*range(6), *range(100, 104)))
            self._run(self._first, *kind.ddl, *rows)
        self._first.commit()

    def close(self) -> None:
        """End both sessions; what is not committed is rolled back."""
        self._first.close()
        self._second.close()

    def perform(self, step: Step) -> None:
        """Execute a step other than a stop."""
        match step:
            case Transaction(changes, commit):
                self._run(self._first, *self._render(changes))
                self._first.commit() if commit else self._first.rollback()
            case Late(changes):
                self._second.commit()
                self._run(self._second, *self._render(changes))
            case Truncate(kinds, changes):
                names = ", ".join(_name(kind) for kind in kinds)
                self._commit_both(f"truncate {names}", *self._render(changes))
            case AddColumn(kind, default):
                self._add_column(kind, default)
            case DropColumn(kind):
                self._drop_column(kind)

    @property
    def is_writing(self) -> bool:
        """Whether the second session has a transaction open."""
        return self._second.info.transaction_status == TRANSACTION_STATUS_INTRANS

    def commit_late(self) -> None:
        """Commit what the second session has begun."""
        self._second.commit()

    def _commit_both(self, *statements: str) -> None:
        """Commit statements that lock tables, after the second session has let go of its locks."""
        self._second.commit()
        self._run(self._first, *statements)
        self._first.commit()

    def _add_column(self, kind: Kind, default: str) -> None:
        self._count += 1
        column = f"added_{self._count}"
        type_name = {"default 7": "int", "default clock_timestamp()": "timestamptz"}
        self._commit_both(
            f"alter table {_name(kind)} add {column} {type_name.get(default, 'text')} {default}"
        )
        self._added.append((kind, column))

    def _drop_column(self, kind: Kind) -> None:
        columns = [column for added, column in self._added if added == kind]
        if columns:
            self._commit_both(f"alter table {_name(kind)} drop column {columns[-1]}")
            self._added.remove((kind, columns[-1]))

    def _render(self, changes: Sequence[Change]) -> Iterator[str]:
        for change in changes:
            if isinstance(change, Savepoint):
                yield "savepoint s"
                yield from self._render(change.changes)
                yield "release savepoint s" if change.keep else "rollback to savepoint s"
            else:
                yield render(change)

    @staticmethod
    def _run(session: Connection, *statements: str) -> None:
        with closing(session.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)


def render(change: Insert | Update | Delete | Rekey | Fill) -> str:
    """Give the SQL of one change."""
    table = _name(change.kind)
    match change:
        case Insert(kind, number, values):
            key = [value.format(n=number) for value in kind.key.values()]
            columns = ", ".join([*kind.key, *values])
            return (
                f"insert into {table} ({columns}) values ({', '.join([*key, *values.values()])})"
                " on conflict do nothing"
            )
        case Update(kind, number, values):
            carried = ", ".join(f"{name} = {value}" for name, value in values.items())
            return f"update {table} set {carried}, updated_at = now() where {kind.where(number)}"
        case Delete(kind, number):
            return f"delete from {table} where {kind.where(number)}"
        case Rekey(kind, number, to):
            new = ", ".join(f"{name} = {value.format(n=to)}" for name, value in kind.key.items())
            return (
                f"update {table} set {new}, updated_at = now() where {kind.where(number)}"
                f" and not exists (select 1 from {table} where {kind.where(to)})"
            )
        case Fill(kind, first, count):
            return _render_fill(kind, first, first + count - 1)


def _render_fill(kind: Kind, first: int, last: int) -> str:
    """Give the SQL of a fill; its rows have two columns of their own, the others their values."""
    table, columns = _name(kind), [next(iter(kind.values)), list(kind.values)[-1]]
    key = [value.format(n="n") for value in kind.key.values()]
    values = [kind.values[name][-1] for name in columns]
    identity = "code" if kind.name == "identity_index" else ", ".join(kind.key)
    again = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return (
        f"insert into {table} ({', '.join([*kind.key, *columns])})"
        f" select {', '.join([*key, *values])} from generate_series({first}, {last}) n"
        f" on conflict ({identity}) do update set {again}, updated_at = now()"
    )


def _name(kind: Kind) -> str:
    return '"' + kind.name.replace('"', '""') + '"'
