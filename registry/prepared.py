"""Querysets compiled once. Building and compiling one takes Django longer than the database takes to
answer it, so the few that requests ask all the time are compiled with slots where values will be.

The queryset stays the one definition: what is asked is the SQL that Django made of it.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar, cast

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Expression, ForeignKey, Model, QuerySet
from django.db.models.lookups import Lookup
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)
Values = Mapping[str, Any]


class Slot(Expression):
    """Stands for a value while a query is compiled, and reads it when the query is asked."""

    def __init__(self, read: Callable[[Values], Any]) -> None:
        super().__init__()
        self.read = read

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


def slot(name: str) -> Any:
    """The slot of the value that is given by this name."""
    return Slot(lambda values: values[name])


@ForeignKey.register_lookup
class AnyOf(Lookup):
    """Whether a key is one of these: one parameter, and so one query, however many they are."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        left, parameters = self.process_lhs(compiler, connection)
        keys = self.rhs if isinstance(self.rhs, Slot) else list(self.rhs)
        return f"{left} = ANY(%s)", [*parameters, keys]


class Compiled(Generic[Row]):
    """A queryset's SQL, and how rows become what the queryset would give."""

    def __init__(self, queryset: QuerySet[Row]) -> None:
        compiler = queryset.query.get_compiler(connection=connection)
        try:
            self.sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            self.sql, parameters = "", ()
            return
        self.readers = [_reader(parameter) for parameter in parameters]
        self._learn(compiler)

    def _learn(self, compiler: SQLCompiler) -> None:
        shape = compiler.klass_info
        assert shape is not None  # noqa: S101 - querysets of rows, not of values
        fields = shape["select_fields"]
        self.model: type[Row] = shape["model"]
        self.first, self.end = fields[0], fields[-1] + 1
        columns = [column for column, *_ in compiler.select[: compiler.col_count]]
        self.names = [column.target.attname for column in columns[self.first : self.end]]
        self.converters = list(compiler.get_converters(columns).items())
        self.related = get_related_populators(  # type: ignore[call-arg]
            shape, compiler.select, connection.alias
        )
        self.annotations = list((compiler.annotation_col_map or {}).items())

    def ask(self, values: Values) -> list[Row]:
        if not self.sql:
            return []
        found = rows(self.sql, [read(values) for read in self.readers])
        return [self._made(row) for row in found]

    def _made(self, row: Any) -> Row:
        row = list(row)
        for place, (converters, expression) in self.converters:
            for converter in converters:
                row[place] = converter(row[place], expression, connection)
        made = self.model.from_db(connection.alias, self.names, row[self.first : self.end])
        for populator in self.related:
            populator.populate(row, made)
        for name, place in self.annotations:
            setattr(made, name, row[place])
        return made


class Prepared(Generic[Row]):
    """A queryset that is compiled once for each shape of it. `build` makes it of values or of slots
    alike, so it branches on nothing but what makes the shape."""

    def __init__(self, build: Callable[..., QuerySet[Row]]) -> None:
        self.build = build
        self._compiled: dict[Hashable, Compiled[Row]] = {}

    def __call__(self, *shape: Hashable, stand_ins: Values, values: Values) -> list[Row]:
        key = (shape, settings.ALLOW_PLAIN_HUB, *settings.REPOSITORY_TYPES)
        known = self._compiled.get(key)
        if known is None:
            known = self._compiled[key] = Compiled(self.build(**stand_ins))
        return known.ask(values)

    def rows(self, **values: Any) -> list[Row]:
        """What is asked with values alone, whatever they are."""
        return self((), stand_ins={name: slot(name) for name in values}, values=values)


def rows(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a query that is asked again and again, and so planned once."""
    with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(query, parameters)
        return cast(list[tuple[Any, ...]], cursor.fetchall())


def execute(query: str, parameters: Any) -> None:
    """A query without rows that is asked again and again."""
    with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(query, parameters)


def _reader(parameter: Any) -> Callable[[Values], Any]:
    return parameter.read if isinstance(parameter, Slot) else lambda values: parameter
