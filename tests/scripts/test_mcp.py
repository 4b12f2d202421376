"""`python -m scripts.mcp`: answers equal hand-written SQL, and nothing of people is reachable."""

import json
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import google.auth
import pytest
from google.auth.credentials import AnonymousCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from looker.field_mapping import find_summed_columns
from looker.semantic import Column
from scripts.mcp import answer
from scripts.mcp.catalog import Catalog
from scripts.mcp.question import Filter, Question
from scripts.mcp.sql import Builder
from scripts.warehouse import WarehouseSettings
from streams import TABLES
from tests.fivetran import SCHEMA
from tests.looker.measures_sql import MEASURES
from tests.scripts.assistant import ROOT, Assistant, ToolFailedError, run_assistant
from tests.warehouse import shop
from tests.warehouse.bigquery import PROJECT, run_bigquery
from tests.warehouse.engines import RAW_SCHEMA, run_postgres

CATALOG = Catalog.load()
PEOPLE = {"profile"}  # the one model with a row per person
AMOUNT = re.compile(r"value|spend")  # in the SQL of a measure that is money
SHARE = re.compile(r"_(rate|score|share)$")  # in the name of a rate
# The dimensions over whose values a model's sums do not add up.
WITHIN = {
    "flow_period": ["period_kind", "period_start"],
    "flow_step": ["period_kind", "period_start"],
    "subject_line_pattern": ["pattern"],
}


@pytest.fixture(scope="module", name="assistant")
def _assistant(dbt_build: Path) -> Iterator[Assistant]:
    """An assistant that asks the marts of the one build of the shops."""
    settings = {"KLAVIYO_WAREHOUSE": str(dbt_build / "warehouse.duckdb"), "DBT_TARGET": "duckdb"}
    with run_assistant(settings) as assistant:
        yield assistant


@pytest.fixture(scope="module", name="warehouse")
def _warehouse(dbt_build: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same marts for hand-written SQL."""
    with duckdb.connect(str(dbt_build / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute("set schema = 'klaviyo'")
        yield connection


class Generator:
    """Questions from a seed, each with hand-written SQL for its answer."""

    def __init__(self, seed: int, warehouse: duckdb.DuckDBPyConnection) -> None:
        self.random = random.Random(seed)
        self.warehouse = warehouse

    def ask(self) -> tuple[dict[str, Any], str]:
        """The arguments of the tool, and the SQL."""
        model = CATALOG.model(self.random.choice(sorted(MEASURES.keys() - PEOPLE)))
        measures = self._sample(sorted(MEASURES[model.name]), 1, 3)
        names = [name for name in model.dimensions if name != model.date]
        by = self._sample(names, 0, 2)
        grain = self.random.choice([None, None, "day", "week", "month", "quarter", "year"])
        filters = self._sample(names, 0, 2)
        conditions = [self._filter(model.table, name) for name in filters]
        days, bounds = self._days(model.table, model.date)
        arguments = {"metrics": measures, "dimensions": by, "limit": 1000, **days}
        arguments |= {"filters": [condition for condition, _ in conditions], "grain": grain}
        required = _list_required(measures, model.name, list(model.dimensions))
        keys = list(dict.fromkeys([*by, *required]))
        columns = [f"date_trunc('{grain}', {model.date})::date as {grain}"] if grain else []
        columns += keys
        for name in measures:  # the sum of no row is null, the count of none 0
            columns.append(
                f"case when count(*) > 0 then {MEASURES[model.name][name]} end as {name}"
            )
        where = " and ".join(["true", *bounds, *(sql for _, sql in conditions)])
        group = " group by all" if grain or keys else ""
        return arguments, f"select {', '.join(columns)} from {model.table} where {where}{group}"

    def _sample(self, names: list[str], least: int, most: int) -> list[str]:
        return self.random.sample(names, min(len(names), self.random.randint(least, most)))

    def _filter(self, table: str, name: str) -> tuple[dict[str, Any], str]:
        """A condition of the tool, and the same in SQL."""
        rows = self.warehouse.sql(f"select distinct {name} from {table} order by all").fetchall()
        values = [_to_json(value) for (value,) in rows] or ["nothing"]
        kind = self.random.choice(["is", "is not", "contains"])
        chosen = [self.random.choice(values)]
        if kind == "contains" and isinstance(chosen[0], str) and is_text(name):
            part = chosen[0][1:4].strip().upper() or "x"
            sql = f"contains(lower({name}), lower({_quote(part)}))"
            return {"dimension": name, "values": [part], "condition": kind}, sql
        tests = [_test(name, value) for value in chosen]
        sql = f"({' or '.join(tests)})"
        sql = sql if kind != "is not" else f"({sql} is not true)"
        condition = "is not" if kind == "is not" else "is"
        return {"dimension": name, "values": chosen, "condition": condition}, sql

    def _days(self, table: str, day: str) -> tuple[dict[str, str], list[str]]:
        """Two days and their SQL. They are no period of a flow: tests of the page have those."""
        query = f"select min({day}), max({day}) from {table}"
        [(first, last)] = self.warehouse.sql(query).fetchall()
        if first is None or self.random.random() < 0.4:
            return {}, []
        start = first + timedelta(days=self.random.randint(0, (last - first).days))
        end = start + timedelta(days=self.random.choice([0, 3, 17, 200]))
        return (
            {"start": f"{start}", "end": f"{end}"},
            [f"{day} between '{start}' and '{end}'"],
        )


def is_text(name: str) -> bool:
    """Whether a dimension is a text."""
    return CATALOG.dimensions[name][0].dimensions[name].type == "text"


def _test(name: str, value: object) -> str:
    if value is None:
        return f"{name} is null"
    if name == "tag_names":
        return f"list_contains(string_split({name}, ', '), {_quote(value)})"
    return f"{name} = {_quote(value)}"


def _quote(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _list_required(measures: list[str], model: str, dimensions: list[str]) -> list[str]:
    """What an answer has to be split by, by the names and the SQL of its measures."""
    required = list(WITHIN.get(model, []))
    for name in measures:
        if AMOUNT.search(MEASURES[model][name]):
            required.append("currency")
        if SHARE.search(name) and "send_channel" in dimensions:
            required.append("send_channel")
    return required


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def to_number(value: Any) -> Any:
    """A figure without its type, and a day as text."""
    if value is None or isinstance(value, str | bool | date):
        return _to_json(value)
    return pytest.approx(float(value), rel=1e-9, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("questions", [40, pytest.param(100, marks=pytest.mark.chaos)])
def test_generated_questions_equal_hand_written_sql(
    warehouse: duckdb.DuckDBPyConnection, assistant: Assistant, questions: int
) -> None:
    """Any metrics by any dimensions, days, steps and filters are what SQL over the marts gives."""
    generator, filled = Generator(8, warehouse), 0
    for arguments, sql in [generator.ask() for _ in range(questions)]:
        result = assistant.call("query_metrics", **arguments)
        assert not result["has_more"]
        relation = warehouse.sql(sql)
        expected = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
        keys = [name for name in relation.columns if name not in arguments["metrics"]]
        assert sort_rows(result["rows"], keys) == [
            {name: to_number(value) for name, value in row.items()}
            for row in sort_rows(expected, keys)
        ], (arguments, sql)
        filled += any(row[name] for row in result["rows"] for name in arguments["metrics"])
    assert filled > questions / 2


def sort_rows(rows: list[dict[str, Any]], keys: list[str]) -> list[dict[str, Any]]:
    """The rows in order of the text of their keys."""
    return sorted(rows, key=lambda row: repr([_to_json(row[name]) for name in keys]))


def list_reachable(assistant: Assistant) -> set[tuple[str, str]]:
    """Every model with each column that a client can name, or that a metric sums."""
    models, metrics = assistant.call("list_dimensions"), assistant.call("list_metrics")
    names = {(model["model"], d["name"]) for model in models for d in model["dimensions"]}
    return names | {
        (metric["model"], column)
        for metric in metrics
        for column in find_summed_columns(CATALOG.metric(metric["name"]), CATALOG.semantics)
    }


# Words in the names of columns with personal data.
PERSONAL = re.compile(
    r"(?<!can_receive_e)mail$|phone|first_name|last_name|full_name|address|birth|latitude|longitude|zip|postal|city"
    r"|region|country|profile|person|customer|external|token|organization|propert"
)


def test_no_column_of_people_is_reachable(assistant: Assistant) -> None:
    """No name that a client can use is personal by dbt's mark, by its table or by its name."""
    reachable = list_reachable(assistant)
    assert len(reachable) > 150
    marked = {
        (model.name, column.name)
        for model in CATALOG.semantics.models.values()
        for column in CATALOG.semantics.columns[model.table].values()
        if column.is_personal
    }
    assert len(marked) >= 10
    assert reachable & marked == set()
    assert {pair for pair in reachable if PERSONAL.search(pair[1])} == set()
    assert {pair for pair in reachable if pair[0] in PEOPLE} == set()
    shared = {"account_id", "email_marketing_consent"}  # which say nothing of one person
    of_profiles = TABLES["profile"].columns.keys() - shared
    assert {"email", "phone_number"} <= of_profiles
    assert {pair for pair in reachable if pair[1] in of_profiles} == set()


def test_no_answer_holds_a_person(assistant: Assistant) -> None:
    """The values of all dimensions together hold no address, phone number or id of a person."""
    answers = [
        assistant.query(min(MEASURES[name]), dimensions=list(model.dimensions), limit=1000)
        for name, model in CATALOG.models.items()
    ]
    assert not any(answer["has_more"] for answer in answers)
    names = ("id", "email", "phone_number", "first_name", "last_name")
    people = {row[name] for row in shop.ROWS["profile"] for name in names if row.get(name)}
    assert len(people) >= 5
    assert [person for person in people if repr(person) in repr(answers)] == []


def test_a_question_that_cannot_be_asked(assistant: Assistant, subtests: pytest.Subtests) -> None:
    """An unknown name or malformed value is an error that names it."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"metrics": ["profiles"]}, "There is no metric named 'profiles'"),
        ({"metrics": ["opens"], "dimensions": ["email"]}, "no dimension of message_performance"),
        ({"metrics": ["opn_rate"]}, "Similar names: open_rate"),
        ({"metrics": ["open_rate; drop table x"]}, "There is no metric named"),
        ({"metrics": ["orders", "opens"]}, "orders of attributed_order, opens of message_perf"),
        ({"metrics": ["opens"], "start": "2026-02-01", "end": "2026-01-01"}, "is after end"),
        (
            {"metrics": ["opens"], "order_by": "clicks"},
            "'clicks' is no column of the answer: opens",
        ),
        ({"metrics": ["opens"], "start": "soon"}, "valid date"),
        ({"metrics": []}, "at least 1 item"),
        (
            {"metrics": ["opens"], "filters": [{"dimension": "sent_hour", "values": ["noon"]}]},
            "sent_hour: 'noon' is no number",
        ),
        (
            {
                "metrics": ["opens"],
                "filters": [{"dimension": "sent_on", "values": ["x"], "condition": "contains"}],
            },
            "sent_on is no text",
        ),
    ]
    for arguments, reason in cases:
        with subtests.test(reason), pytest.raises(ToolFailedError, match=re.escape(reason)):
            assistant.call("query_metrics", **arguments)


def test_amounts_of_two_currencies_are_never_one_sum(assistant: Assistant) -> None:
    """An amount, and a ratio with one, has a row for each currency, also if none is asked for."""
    for amount in ("conversion_value", "revenue_per_recipient", "text_message_roi"):
        rows = assistant.query(amount)["rows"]
        assert sorted(row["currency"] for row in rows) == ["EUR", "USD"]
    assert len(assistant.query("delivered")["rows"]) == 1


def test_a_metric_is_explained_by_its_definition(assistant: Assistant) -> None:
    """An explanation has the text that dbt declares, the formula and the raw columns."""
    metric = assistant.call("explain", name="click_rate")
    assert metric["definition"] == CATALOG.semantics.metric("click_rate").description
    assert metric["formula"].startswith("SUM(clicks_unique) / NULLIF(SUM(click_tracked_delivered)")
    assert "campaign_performance.clicks_unique" in metric["raw_columns"]
    assert assistant.call("explain", name="sent_weekday")["labels_of_values"]["1"] == "Monday"


def test_findings_have_the_columns_that_dbt_declares(tmp_path: Path) -> None:
    """Where dbt declares a mart with findings, all of its columns are listed, in its order."""
    names = ["finding_key", "account_name", "finding", "finding_rank", "date"]
    columns = {name: Column(name, "text", "") for name in names}
    marts = {**CATALOG.semantics.columns, "klaviyo__finding": columns}
    catalog = replace(CATALOG, semantics=replace(CATALOG.semantics, columns=marts))
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema klaviyo")
        rows = "('b', 'Shop', 'second', 2, date '2026-11-02'), ('a', 'Shop', 'first', 1, null)"
        connection.execute(
            "create table klaviyo.klaviyo__finding as"
            f" from (values {rows}) as t({', '.join(names)})"
        )
    settings = WarehouseSettings(dbt_target="duckdb", klaviyo_warehouse=file)
    first, second = answer.list_findings(catalog, settings)
    assert first == {
        "account_name": "Shop",
        "finding": "first",
        "finding_rank": 1,
        "date": None,
    }
    assert second["date"] == "2026-11-02"


def test_a_metric_has_its_label_as_a_second_name(assistant: Assistant) -> None:
    """Who asks for revenue gets conversion_value, and its definition."""
    assert assistant.call("explain", name="revenue") == assistant.call(
        "explain", name="conversion_value"
    )
    assert assistant.query("revenue")["rows"] == assistant.query("conversion_value")["rows"]


def test_an_answer_is_ordered_by_the_label_of_a_metric(assistant: Assistant) -> None:
    """Who asks for revenue can order by revenue."""
    by = ["campaign_name"]
    ordered = assistant.query("revenue", dimensions=by, order_by="revenue", descending=False)
    expected = assistant.query(
        "conversion_value", dimensions=by, order_by="conversion_value", descending=False
    )
    assert ordered["rows"] == expected["rows"]
    assert len(ordered["rows"]) > 2


def test_a_filter_takes_the_label_of_a_value(assistant: Assistant) -> None:
    """Email is email and Monday is 1; a value that is unknown has a note with those that are."""
    pairs = [("send_channel", "Email", "email"), ("sent_weekday", "Monday", 1)]
    for dimension, label, value in pairs:
        by_label, by_value = (
            assistant.query("delivered", filters=[{"dimension": dimension, "values": [given]}])
            for given in (label, value)
        )
        assert by_label == by_value
        assert by_label["rows"][0]["delivered"] > 0
    unknown = {"dimension": "send_channel", "values": ["mail"]}
    [note, *_] = assistant.query("delivered", filters=[unknown])["notes"]
    assert note == (
        "send_channel 'mail' is not among its known values:"
        " email, sms, push-notification, whatsapp."
    )


def test_accounts_name_the_days_that_can_be_asked(
    assistant: Assistant, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Each account has its currency, its days and the periods of its flows."""
    accounts = {account["account_id"]: account for account in assistant.call("list_accounts")}
    days = "select account_id, currency, min(sent_on), max(sent_on) from {} group by all"
    for id_, currency, first, last in warehouse.sql(
        days.format("klaviyo__message_performance")
    ).fetchall():
        assert accounts[id_]["currencies"] == [currency]
        assert accounts[id_]["first_day"] <= f"{first}"
        assert accounts[id_]["last_day"] >= f"{last}"
    assert {row["period"] for row in accounts[shop.US]["periods_of_flows"]} >= {"month"}


@pytest.mark.slow
def test_the_documented_configuration_starts_the_server(dbt_build: Path, tmp_path: Path) -> None:
    """A client that starts the command of docs/mcp.md from any folder gets answers."""
    [entry] = re.findall(r"```json\n(.+?)```", (ROOT / "docs" / "mcp.md").read_text(), re.DOTALL)
    server = json.loads(entry.replace("/path/to/repository", str(ROOT)))["mcpServers"]["klaviyo"]
    settings = {"KLAVIYO_WAREHOUSE": str(dbt_build / "warehouse.duckdb")}
    with run_assistant(settings, [server["command"], *server["args"]], tmp_path) as assistant:
        assert assistant.query("opens")["rows"]


@pytest.mark.slow
def test_a_build_can_write_while_the_server_runs(dbt_build: Path, tmp_path: Path) -> None:
    """A server that has answered holds no DuckDB file open."""
    file = shutil.copy(dbt_build / "warehouse.duckdb", tmp_path)
    with run_assistant({"KLAVIYO_WAREHOUSE": str(file)}) as assistant:
        assert assistant.query("opens")["rows"]
        with duckdb.connect(str(file)) as writer:
            writer.execute("create table klaviyo.written (number bigint)")


def test_an_account_that_sent_nothing_is_listed(dbt_build: Path, tmp_path: Path) -> None:
    """An account that has sent nothing yet has no last day, and hides no other account."""
    file = shutil.copy(dbt_build / "warehouse.duckdb", tmp_path)
    with duckdb.connect(str(file)) as connection:
        [(new,)] = connection.sql(
            "select min(account_id) from klaviyo.klaviyo__data_health"
        ).fetchall()
        for mart in ("message_performance", "flow_period"):
            connection.execute(f"delete from klaviyo.klaviyo__{mart} where account_id = ?", [new])
        connection.execute(
            "update klaviyo.klaviyo__data_health set data_from = null, data_to = null"
            " where account_id = ?",
            [new],
        )
    accounts = answer.list_accounts(
        CATALOG, WarehouseSettings(dbt_target="duckdb", klaviyo_warehouse=Path(file))
    )
    days = {account["account_id"]: account["last_day"] for account in accounts}
    assert days.pop(new) is None
    assert days
    assert all(days.values())


@pytest.mark.slow
def test_missing_marts_are_named(tmp_path: Path) -> None:
    """Without a warehouse the answer is an error with the remedy; the session goes on."""
    file = tmp_path / "none.duckdb"
    with run_assistant({"KLAVIYO_WAREHOUSE": str(file)}) as assistant:
        for _ in range(2):
            with pytest.raises(ToolFailedError, match="is missing: sync first, or set KLAVIYO_WA"):
                assistant.query("opens")


NASTY = [
    "it's",
    "a\\",
    "\\'; drop table x; --",
    'a "quoted" %s',
    "{x} ?1 :y $$ @z",
    "a\nb\t\u2028",
    "''",
]


def create_mart(connection: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    """A mart with a row for each campaign of these names."""
    connection.execute("create or replace table mart (campaign_name text, opens bigint)")
    connection.executemany("insert into mart values (?, 1)", [[name] for name in names])


@settings(max_examples=40)
@given(name=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_any_text_is_a_value_and_never_sql(name: str) -> None:
    """A filter finds exactly the rows with its text, whatever the text is."""
    filters = [Filter(dimension="campaign_name", values=[name])]
    question = Question(CATALOG, ["opens"], ["campaign_name"], filters)
    with duckdb.connect() as connection:
        create_mart(connection, [name, f"{name} and more", *NASTY])
        rows = connection.execute(Builder(question, lambda _: "mart", "duckdb").build_query())
        assert rows.fetchall() == [(name, 1 + NASTY.count(name))]


@pytest.fixture(
    scope="module",
    name="environment",
    params=[pytest.param(run_postgres, marks=pytest.mark.chaos), run_bigquery],
)
def _environment(
    request: pytest.FixtureRequest, dbt_build: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The variables of another engine, which holds the marts of the build and nasty names."""
    folder = tmp_path_factory.mktemp("engine")
    with request.param(folder) as engine:
        engine.load(copy_marts(dbt_build, folder / "marts.duckdb"))
        yield engine.environment | {"BIGQUERY_EMULATOR_HOST": getattr(engine, "url", "")}


@pytest.fixture(name="engine")
def _engine(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> WarehouseSettings:
    """The settings of that engine."""
    anonymous = (AnonymousCredentials(), PROJECT)  # type: ignore[no-untyped-call]
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: anonymous)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return WarehouseSettings.read(pg_schema=RAW_SCHEMA, bq_dataset=RAW_SCHEMA)


def copy_marts(dbt_build: Path, file: Path) -> Path:
    """A file with the marts where an engine of the tests expects raw tables, in types it knows."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"attach '{dbt_build / 'warehouse.duckdb'}' as built (read_only)")
        connection.execute(f"create schema {SCHEMA}")
        for model in CATALOG.models.values():
            table = connection.sql(f"from built.klaviyo.{model.table}")
            columns = ", ".join(
                f'"{name}"::bigint as "{name}"' if kind == "INTEGER" else f'"{name}"'
                for name, kind in zip(table.columns, map(str, table.types), strict=True)
            )
            connection.execute(
                f"create table {SCHEMA}.{model.table} as"
                f" select {columns} from built.klaviyo.{model.table}"
            )
        names = ", ".join(["(?)"] * len(NASTY))
        connection.execute(
            f"insert into {SCHEMA}.klaviyo__message_performance (campaign_name)"
            f" select * from (values {names})",
            NASTY,
        )
    return file


@pytest.mark.slow
def test_every_engine_gives_the_same_answer(
    dbt_build: Path, engine: WarehouseSettings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """Postgres and BigQuery's own SQL engine answer as DuckDB does, also a period's people."""
    local = WarehouseSettings(dbt_target="duckdb", klaviyo_warehouse=dbt_build / "warehouse.duckdb")
    generator = Generator(11, warehouse)
    asked = [arguments for arguments, _ in [generator.ask() for _ in range(20)]]
    period = {"start": "2026-10-22", "end": "2026-11-20", "dimensions": ["message_type"]}
    asked.append({"metrics": ["open_rate", "engagement_score", "conversions"], **period})
    of_mart = Filter(dimension="account_id", values=[shop.US, shop.FR])
    for arguments in asked:
        filters = [Filter(**condition) for condition in arguments.get("filters", [])]
        question = Question(
            CATALOG,
            names=arguments["metrics"],
            by=arguments["dimensions"],
            filters=[*filters, of_mart],
            start=to_day(arguments.get("start")),
            end=to_day(arguments.get("end")),
            grain=arguments.get("grain"),
            limit=1000,
        )
        shown, expected = answer.ask(question, engine), answer.ask(question, local)
        assert sort_rows(shown["rows"], question.keys) == [
            {name: to_number(value) for name, value in row.items()}
            for row in sort_rows(expected["rows"], question.keys)
        ], arguments
        assert shown["columns"] == expected["columns"]


def to_day(text: str | None) -> date | None:
    """The day of a text."""
    return date.fromisoformat(text) if text else None


@pytest.mark.slow
def test_every_engine_quotes_values(engine: WarehouseSettings) -> None:
    """A text with quotes, escapes, placeholders or SQL finds its own row in every engine."""
    for name in NASTY:
        filters = [Filter(dimension="campaign_name", values=[name])]
        question = Question(CATALOG, ["opens"], ["campaign_name"], filters)
        assert [row["campaign_name"] for row in answer.ask(question, engine)["rows"]] == [name]
