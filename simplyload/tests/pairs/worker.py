"""A process that runs the stream of a configuration and is killed, until one run ends."""

from functools import partial
from pathlib import Path

from botocore import client

from simplyload.config import read_configuration
from simplyload.destinations.duckdb import DuckDBDestination
from simplyload.engine import Pipeline, end_at_commit
from simplyload.streams import open_destination, open_log, open_source
from simplyload.testing.kills import FILES, REQUEST, Job, run_to_end
from tests.pairs.control import Faulty

STREAM = "pair"
STEPS = (*FILES, REQUEST, (client.BaseClient, "_make_api_call"))


def run(file: Path, fault: str | None) -> None:
    """Run the stream once, by what the file says; a control has a destination with a fault."""
    read = read_configuration(file)
    source, destination = open_source(read.sources[STREAM], STREAM), open_destination(read)
    if fault:
        assert isinstance(destination, DuckDBDestination)
        destination = Faulty(destination, fault)
    pipeline = Pipeline(STREAM, source, destination, open_log(read), read.pipeline)
    with end_at_commit(pipeline):
        pipeline.run_once()


def main(job: Job) -> int:
    """Kill before later and later steps until a run ends by itself; return the number of kills.

    So each part of a run is killed, its transactions at the end too.
    """
    kills, step = 0, job["first"]
    once = partial(run, Path(job["file"]), job.get("fault"))
    while not run_to_end(once, STEPS, step=step):
        kills, step = kills + 1, step + job["apart"]
    return kills
