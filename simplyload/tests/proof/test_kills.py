"""Kills at any instant of a run, and the control: a destination that they do break is noticed."""

import random
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from tests.proof.control import StateFirst
from tests.proof.tables import KINDS
from tests.proof.test_workloads import make_trial, ways
from tests.proof.trial import Kind, Mode, Trial
from tests.proof.workload import (
    Application,
    Change,
    Delete,
    Fill,
    Insert,
    Rekey,
    Transaction,
    Update,
)

BETWEEN = 5  # kills between two comparisons in chaos


def make_transaction(chooser: random.Random) -> Transaction:
    """Draw changes of several tables, among them hundreds of rows in one."""
    kinds = chooser.sample(KINDS, 3)
    changes: list[Change] = [Fill(kinds[0], 1_000, chooser.choice((20, 300)))]
    for kind in kinds:
        column = chooser.choice(sorted(kind.values))
        values = {column: chooser.choice(kind.values[column])}
        number, other = chooser.sample(range(8), 2)
        changes += [Insert(kind, number, values), Update(kind, other, values)]
        changes += [Rekey(kind, number, other), Delete(kind, chooser.randrange(8))]
    return Transaction(changes, commit=True)


def kill_repeatedly(trial: Trial, kills: Iterator[float], between: int) -> Iterator[list[str]]:
    """Change rows and kill a run, again and again; yield the differences after each whole run."""
    chooser = random.Random(7)
    with closing(Application(trial.source)) as application:
        for number, kill in enumerate(kills, start=1):
            application.perform(make_transaction(chooser))
            trial.run(kill)
            if number % between == 0:
                trial.run()
                yield [line for kind in KINDS for line in trial.find_differences(kind.name)]


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "kind"), [("cdc", "duckdb"), ("cdc", "postgres")])
def test_r1_a_killed_run_loses_nothing(server: str, mode: Mode, kind: Kind) -> None:
    """Kills in each part of a run, among them the first copy, leave the destination right."""
    with make_trial(server, mode, kind) as trial:
        for differences in kill_repeatedly(trial, iter((0.3, 0.6, 0.5, 0.9)), between=2):
            assert differences == []


@pytest.mark.chaos
@pytest.mark.timeout(3600)
@ways
def test_r1_fifty_kills_lose_nothing(server: str, mode: Mode, kind: Kind) -> None:
    """Fifty kills at random calls of a run leave the destination right."""
    chooser = random.Random(f"{mode}{kind}")
    with make_trial(server, mode, kind) as trial:
        kills = (chooser.random() for _ in range(50))
        for differences in kill_repeatedly(trial, kills, BETWEEN):
            assert differences == []


def test_r1_the_proof_notices_a_state_that_is_committed_first(server: str) -> None:
    """A destination that commits the state before the changes loses rows when killed between."""
    with make_trial(server, "cdc", "duckdb") as trial, closing(Application(trial.source)):
        trial.wrap = partial(StateFirst, kill=True)
        trial.run(1000.0)  # its destination kills it before it makes as many calls
        trial.wrap = None
        trial.run()
        assert any(trial.find_differences(kind.name) for kind in KINDS)


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_r1_random_kills_find_a_state_that_is_committed_first(server: str) -> None:
    """The kills that SimplyLoad survives break a destination that commits the state first."""
    with make_trial(server, "cdc", "duckdb") as trial:
        trial.wrap = StateFirst
        shares = iter([(2 * n + 1) / 100 for n in range(50)])
        assert any(kill_repeatedly(trial, shares, between=1))
