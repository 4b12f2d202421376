"""A question as SQL. sqlglot writes it for each engine, and quotes every name and value.

A metric is the same sum or ratio of sums as on the dashboard's page. So where the days are a period
in which Klaviyo counted a flow's people, its rows replace the daily rows for metrics of people.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite

from sqlglot import exp, parse_one

from looker.semantic import Dimension, Metric, SemanticModel, Type
from scripts.command import UsageError
from scripts.mcp.catalog import Value
from scripts.mcp.question import Filter, Grain, Question
from scripts.warehouse import Target

ROWS = "mart"  # the alias of the rows that are summed
PERIOD = "is_period"  # 1 in the rows of a period, 0 in daily rows
ONE, ZERO = exp.Literal.number(1), exp.Literal.number(0)


@dataclass(frozen=True)
class Builder:
    """Builds the queries of a question. `relation` gives the qualified name of a mart."""

    question: Question
    relation: Callable[[str], str]
    dialect: Target

    def build_query(self) -> str:
        """Build the query of the answer, which reads one row more than the limit."""
        query = self._filter_rows().select(*self._select_fields())
        keys = [_position(index) for index in range(len(self.question.keys))]
        if keys:
            query = query.group_by(*keys)
        query = query.order_by(self._order(), *(_order(key) for key in keys))
        return self._write(query.limit(self.question.limit + 1))

    def build_people_query(self) -> str:
        """Build a query of two flags, 1 or 0: some rows count people; some are of a period."""
        is_period = _column(PERIOD) if self.question.periods else ZERO.copy()
        is_of_people = exp.case().when(self._counts_people(), ONE.copy()).else_(ZERO.copy())
        flags = {"has_people": is_of_people, "has_period": is_period}
        fields = [exp.alias_(exp.Max(this=flag), name) for name, flag in flags.items()]
        return self._write(self._filter_rows().select(*fields))

    def _write(self, query: exp.Select) -> str:
        return query.sql(self.dialect, identify=True)

    def _order(self) -> exp.Ordered:
        """The greatest value of the chosen column or first metric first; else in order of time."""
        question = self.question
        default = question.grain or question.metrics[0].name
        position = _position(question.columns.index(question.order_column or default))
        is_time = not question.order_by and bool(question.grain)
        return _order(position, descending=question.descending and not is_time)

    # What is selected

    def _select_fields(self) -> Iterator[exp.Expr]:
        question = self.question
        if question.grain:
            day = _column(question.model.date)
            yield exp.alias_(_truncate(day, question.grain, self.dialect), question.grain)
        for dimension in question.dimensions:
            yield exp.alias_(_column(dimension.name), dimension.name)
        for metric in question.metrics:
            yield exp.alias_(self._measure(metric, of_people=bool(metric.by_day)), metric.name)

    def _measure(self, metric: Metric, *, of_people: bool) -> exp.Expr:
        """A sum, a ratio of sums, or a formula of them."""
        if metric.column:
            return self._sum(metric.column, of_people=of_people)
        parts = {
            part.name: self._measure(part, of_people=of_people or bool(part.by_day))
            for part in map(self.question.catalog.metric, metric.parts)
        }
        if metric.ratio:
            numerator, denominator = (parts[name] for name in metric.ratio)
            # `safe`: a division by 0 is null in the SQL of every engine.
            return exp.Paren(this=exp.Div(this=numerator, expression=denominator, safe=True))

        def replace(node: exp.Expr) -> exp.Expr:
            return parts[node.name].copy() if isinstance(node, exp.Column) else node

        return parse_one(metric.formula).transform(replace)

    def _sum(self, name: str, *, of_people: bool) -> exp.Expr:
        """A sum of the daily rows; for people, where a group has a period, of the period's rows."""
        total = exp.Sum(this=_column(name))
        if not self.question.periods:
            return total
        if not of_people:
            return exp.Sum(this=exp.case().when(_column(PERIOD).eq(0), _column(name)))
        is_counted = exp.or_(_column(PERIOD).eq(1), exp.not_(self._counts_people()))
        of_period = exp.Sum(this=exp.case().when(is_counted, _column(name)))
        return exp.case().when(exp.Max(this=_column(PERIOD)).eq(1), of_period).else_(total)

    def _counts_people(self) -> exp.Expr:
        """Whether a row counts people that are counted in a period too."""
        where = self.question.catalog.dashboard.people.where
        return exp.and_(*(_column(name).eq(_text(value)) for name, value in where.items()))

    # The rows

    def _filter_rows(self) -> exp.Select:
        question = self.question
        rows = self._union_periods(question.periods) if question.periods else self._mart(ROWS)
        days = [] if question.periods else self._days(_column)
        filters = zip(question.filters, question.filter_dimensions, strict=True)
        conditions = [self._condition(filter_, dimension) for filter_, dimension in filters]
        return exp.Select().from_(rows).where(*days, *conditions)

    def _mart(self, alias: str = "", model: SemanticModel | None = None) -> exp.Expr:
        name = self.relation((model or self.question.model).table)
        table = exp.to_table(name, dialect=self.dialect)
        return exp.alias_(table, alias, table=True) if alias else table

    def _days(self, column: Callable[[str], exp.Column]) -> list[exp.Expr]:
        question = self.question
        day = column(question.model.date)
        bounds = [day.copy() >= _date(question.start)] if question.start else []
        return bounds + ([day.copy() <= _date(question.end)] if question.end else [])

    def _union_periods(self, periods: SemanticModel) -> exp.Expr:
        """The daily rows, and behind them those of the period with exactly these days."""
        where = self.question.catalog.dashboard.people.where
        used = list(dict.fromkeys([*self.question.used_dimensions, *where]))
        sums = self.question.summed_columns
        daily = exp.select(*map(exp.column, [*used, *sums]), exp.alias_(ZERO.copy(), PERIOD)).from_(
            self._mart()
        )
        # A row of a period has no column with the value of `where`, which is the same in all.
        values = [exp.alias_(_text(where[n]), n) if n in where else exp.column(n) for n in used]
        of_period = exp.select(*values, *map(exp.column, sums), exp.alias_(ONE.copy(), PERIOD))
        of_period = of_period.from_(self._mart(model=periods)).where(*self._is_period(periods))
        days = self._days(exp.column)
        return exp.union(daily.where(*days), of_period, distinct=False).subquery(ROWS)

    def _is_period(self, periods: SemanticModel) -> list[exp.Expr]:
        days = [
            exp.column("period_start").eq(_date(self.question.start)),
            exp.column("period_end").eq(_date(self.question.end)),
        ]
        # Of two kinds with the same days, such as a month of 30 days, one is enough.
        kind = exp.select(exp.func("MAX", exp.column("period_kind")))
        kind = kind.from_(self._mart(model=periods)).where(*(day.copy() for day in days))
        return [*days, exp.column("period_kind").eq(kind.subquery())]

    # Conditions

    def _condition(self, filter_: Filter, dimension: Dimension) -> exp.Expr:
        passes = exp.or_(*(self._test(filter_, dimension, value) for value in filter_.values))
        if filter_.condition == "is not":
            return exp.not_(exp.func("COALESCE", passes, exp.false()))
        return passes

    def _test(self, filter_: Filter, dimension: Dimension, value: Value) -> exp.Expr:
        """Whether one value passes; of a dimension that lists several values, one of them."""
        column = _column(dimension.name)
        if value is None:
            return column.is_(exp.null())
        if filter_.condition == "contains":
            if dimension.type != "text":
                raise UsageError(f"{dimension.name} is no text: choose the condition 'is'.")
            return _contains(exp.Lower(this=column), exp.Lower(this=_text(str(value).strip())))
        value = self.question.catalog.find_value(dimension, value)
        if dimension.name in self.question.catalog.dashboard.lists:
            comma = _text(", ")
            listed = exp.func("CONCAT", comma, column, comma.copy())
            return _contains(listed, _text(f", {value}, "))
        return column.eq(_parse(dimension, value))


def _column(name: str) -> exp.Column:
    return exp.column(name, table=ROWS)


def _text(text: str) -> exp.Expr:
    return exp.Literal.string(text)


def _date(day: date | None) -> exp.Expr:
    return exp.cast(_text(str(day)), "date")


def _position(index: int) -> exp.Expr:
    return exp.Literal.number(index + 1)


def _order(position: exp.Expr, *, descending: bool = False) -> exp.Ordered:
    return exp.Ordered(this=position.copy(), desc=descending, nulls_first=False)


def _contains(text: exp.Expr, part: exp.Expr) -> exp.Expr:
    return exp.StrPosition(this=text, substr=part) > ZERO.copy()


def _truncate(day: exp.Expr, grain: Grain, dialect: Target) -> exp.Expr:
    """The first day of a step; a week begins on Monday, which BigQuery names ISOWEEK."""
    unit = "isoweek" if (grain, dialect) == ("week", "bigquery") else grain
    return exp.cast(exp.DateTrunc.from_arg_list([_text(unit), day]), "date")


def _parse(dimension: Dimension, value: Value) -> exp.Expr:
    """A value as a literal of the dimension's type."""
    try:
        return LITERALS[dimension.type](str(value))
    except ValueError:
        raise UsageError(f"{dimension.name}: {value!r} is no {dimension.type}.") from None


def _parse_boolean(text: str) -> exp.Expr:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return exp.true() if text.lower() == "true" else exp.false()


def _parse_number(text: str) -> exp.Expr:
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    return exp.Literal.number(number)


LITERALS: dict[Type, Callable[[str], exp.Expr]] = {
    "text": _text,
    "number": _parse_number,
    "boolean": _parse_boolean,
    "date": lambda text: _date(date.fromisoformat(text)),
    "time": lambda text: exp.cast(_text(f"{datetime.fromisoformat(text)}"), "timestamptz"),
}
