"""The destination equals the source, cell by cell, whatever the application did before a stop."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.proof.databases import new_database
from tests.proof.tables import KINDS
from tests.proof.trial import Kind, Mode, Trial
from tests.proof.workload import (
    AddColumn,
    Application,
    Late,
    Step,
    Stop,
    Transaction,
    Update,
    steps,
)

# How many workloads each way of loading gets: in the suite, in chaos.
WAYS: dict[tuple[Mode, Kind], tuple[int, int]] = {
    ("cdc", "duckdb"): (2, 80),
    ("cdc", "postgres"): (1, 40),
    ("poll", "duckdb"): (1, 30),
    ("poll", "postgres"): (1, 20),
    ("copy", "duckdb"): (1, 15),
    ("copy", "postgres"): (1, 15),
}
ways = pytest.mark.parametrize(("mode", "kind"), WAYS, ids=map("-".join, WAYS))


@contextmanager
def make_trial(server: str, mode: Mode, kind: Kind) -> Iterator[Trial]:
    """Yield a trial with a new source and a new destination."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        source = stack.enter_context(new_database(server))
        target = str(folder / "target.duckdb")
        if kind == "postgres":
            target = stack.enter_context(new_database(server))
        yield Trial(source, mode, kind, target, folder / "log")


def prove(trial: Trial, workload: list[Step]) -> None:
    """Perform a workload; after every run that is not killed both sides are equal.

    While a transaction is open, a table that is read again waits for its end, by name.
    """
    begun = False
    with closing(Application(trial.source)) as application:
        for number, step in enumerate(workload):
            if not isinstance(step, Stop):
                application.perform(step)
                continue
            # PostgreSQL makes a slot only once the transactions that write at that moment end.
            if number == len(workload) - 1 or not begun:
                application.commit_late()
            begun |= step.kill is None
            waiting = trial.run(step.kill)
            if step.kill is None:
                assert not waiting or application.is_writing, f"{waiting} wait for nothing"
                present = [table.name for table in KINDS if table.name not in waiting]
                differences = [line for name in present for line in trial.find_differences(name)]
                assert not differences, "\n".join(differences[:20])


@pytest.mark.slow
@ways
def test_w1_the_destination_equals_the_source_after_every_stop(
    server: str, mode: Mode, kind: Kind
) -> None:
    """Any workload with kills leaves the destination equal to the source, cell by cell."""
    _prove_random_workloads(server, mode, kind, WAYS[mode, kind][0], derandomize=True)


@pytest.mark.chaos
@pytest.mark.timeout(7200)
@ways
def test_w1_many_workloads(server: str, mode: Mode, kind: Kind) -> None:
    """Two hundred workloads with kills leave the destination equal to the source."""
    _prove_random_workloads(server, mode, kind, WAYS[mode, kind][1], derandomize=False)


@pytest.mark.chaos
def test_w1_a_table_waits_for_an_open_transaction_and_then_is_equal(server: str) -> None:
    """A new column's default, an open transaction and a kill: it waits, then it is equal."""
    kind = next(kind for kind in KINDS if kind.name == "every_type")
    update = Update(kind, 101, {"a_bool": "null"})
    workload: list[Step] = [
        *(Stop(), AddColumn(kind, "not null default 'n'"), Late([update]), Stop(0.139)),
        *(Transaction([Update(kind, 2, {"a_bool": "null"})], commit=True), Stop(), Stop()),
    ]
    with make_trial(server, "cdc", "duckdb") as trial:
        prove(trial, workload)


def _prove_random_workloads(
    server: str, mode: Mode, kind: Kind, count: int, *, derandomize: bool
) -> None:
    @settings(
        max_examples=count,
        derandomize=derandomize,
        deadline=None,
        database=None,
        print_blob=True,
        # The suite names a failing workload as it is; chaos takes the time to shrink one.
        phases=[Phase.generate] if derandomize else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(steps(kills=True))
    def prove_one(workload: list[Step]) -> None:
        with make_trial(server, mode, kind) as trial:
            prove(trial, workload)

    prove_one()
