"""Django's way to PostgreSQL, with what requests ask all the time made cheaper."""

import select
from typing import Any, cast

from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: Any, params: Any) -> str:
        """For those who look at queries: one that was sent without its values, with them."""
        if isinstance(cursor, base.ServerBindingCursor):
            return str(self.compose_sql(sql, params))
        return cast(str, super().last_executed_query(cursor, sql, params))


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def is_usable(self) -> bool:
        """Asked before each request. A server that ended the connection has said so or hung up, and
        nothing else arrives on one that is idle: while it is silent there is no need to ask."""
        if self.connection is None or self.connection.closed:
            return False
        arrived = select.poll()
        arrived.register(self.connection.fileno(), select.POLLIN | select.POLLPRI)
        return not arrived.poll(0) or bool(super().is_usable())

    def prepared_cursor(self) -> CursorWrapper:
        """A cursor whose queries the server plans once for each connection, where settings allow."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
            return cast(CursorWrapper, self._prepare_cursor(cursor))  # type: ignore[attr-defined]
