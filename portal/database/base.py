"""Whether a connection kept between requests still stands, without asking the server each time."""

from __future__ import annotations

import select
from typing import override

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    @override
    def is_usable(self) -> bool:
        """A server says nothing to an idle client unless it ends the connection: while there is nothing to read, it
        stands. Otherwise it is asked, as Django does before each request (CONN_HEALTH_CHECKS).
        """
        return self._is_quiet() or super().is_usable()

    def _is_quiet(self) -> bool:
        link = self.connection
        if link is None or link.closed or link.info.transaction_status != TransactionStatus.IDLE:
            return False
        poll = select.poll()
        poll.register(link.fileno(), select.POLLIN)
        return not poll.poll(0)
