"""A process that loads a source into DuckDB and is killed each time, until one run ends."""

from pathlib import Path

from simplyload.engine import end_at_commit
from simplyload.testing.kills import FILES, REQUEST, Job, make_pipeline, run_with_kills


def run(job: Job) -> None:
    """Run the pipeline to its end, with loads that a few changes fill."""
    pipeline = make_pipeline(job["settings"], job["stream"], Path(job["folder"]), max_changes=8)
    with end_at_commit(pipeline):
        pipeline.run_once()


def main(job: Job) -> int:
    """Kill as the job says, then run to the end; return the number of kills."""
    return run_with_kills(lambda: run(job), job, (*FILES, REQUEST))
