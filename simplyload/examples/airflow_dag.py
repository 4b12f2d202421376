"""SimplyLoad in Airflow 3: a task for each stream, each 15 minutes; one that fails stops no other.

Install SimplyLoad in a venv of its own on the workers (its versions are not Airflow's), and give
its secrets in the environment of the workers, or by a secrets backend in `env`. The change log is
a bucket, `log: s3://...` or `gs://...`, where tasks run on several machines.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROGRAM = "/opt/simplyload/bin/simplyload"
CONFIGURATION = "/etc/simplyload/simplyload.yml"
STREAMS = ["shop"]  # the sources of the configuration

with DAG(
    dag_id="simplyload",
    schedule="*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # a run loads all that is new: there is nothing to catch up with
    max_active_runs=1,
):
    for stream in STREAMS:
        BashOperator(
            task_id=stream,
            bash_command=f"{PROGRAM} sync --select {stream}",
            env={"SIMPLYLOAD_CONFIG": CONFIGURATION},
            append_env=True,
            skip_on_exit_code=[69, 75],  # a limit is used up, another run is active: no failure
            retries=0,  # the next run is the next try, and goes on where this one ended
            execution_timeout=timedelta(hours=6),  # its signal ends the task at a commit
        )
