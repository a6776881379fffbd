"""Airflow: one batch a month, and one notebook through Airflow's own PapermillOperator."""

from __future__ import annotations

import datetime

from airflow import DAG
from airflow.providers.papermill.operators.papermill import PapermillOperator
from airflow.providers.standard.operators.bash import BashOperator

HOME, STUDY = "/opt/ysj", "/srv/ysj"

with DAG(
    "ysj_reports",
    schedule="15 3 1 * *",
    start_date=datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
    max_active_runs=1,
):
    # Every report of the plan, each whole or not at all. Exit 3 (some are not) fails the task, and a retry
    # makes only those; 75 (another run holds the lock) skips it.
    reports = BashOperator(
        task_id="reports",
        bash_command=f"{HOME}/.venv/bin/ysj batch {STUDY}/ysj.toml --resume --log-format json",
        skip_on_exit_code=75,
        retries=2,
        append_env=True,
    )
    # The same notebook as it is, for looking at: working copies are not for publication. What is published
    # passes the disclosure audit, and that is a step of ysj, not of a notebook.
    notebook = PapermillOperator(
        task_id="notebook",
        input_nb=f"{HOME}/notebooks/annual_report.ipynb",
        output_nb=f"{STUDY}/working/annual_report.ipynb",
        parameters={"data": f"{STUDY}/studies/islington", "area": "Islington", "year": 2023},
        kernel_name="python3",
    )
    reports >> notebook
