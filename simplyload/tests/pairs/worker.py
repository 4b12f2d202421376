"""A process that runs the stream of a configuration and is killed, until one run ends."""

from pathlib import Path

from botocore import client

from simplyload.config import read_configuration
from simplyload.engine import Pipeline, ending_at_commit
from simplyload.streams import open_destination, open_log, open_source
from simplyload.testing.kills import FILES, REQUEST, Job, run_with_kills

STREAM = "pair"
STEPS = (*FILES, REQUEST, (client.BaseClient, "_make_api_call"))


def run(file: Path) -> None:
    """Run the stream once, by what the file says."""
    read = read_configuration(file)
    source, destination = open_source(read.sources[STREAM], STREAM), open_destination(read)
    pipeline = Pipeline(STREAM, source, destination, open_log(read), read.pipeline)
    with ending_at_commit(pipeline):
        pipeline.run_once()


def main(job: Job) -> int:
    """Kill as the job says, then run to the end; give the number of kills."""
    return run_with_kills(lambda: run(Path(job["file"])), job, STEPS)
