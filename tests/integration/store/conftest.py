"""A migrated database in memory, with one user and one claimed account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import build
from tests.harness.leases import claim_in
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate
from waystation.store.transactions import accounts


@pytest.fixture
def database() -> Iterator[Database]:
    connection = connect(":memory:")
    migrate(connection, build.later(), None)
    made = Database(connection)
    accounts.add_user(made, "owner@example.org", b"hash", build.later())
    accounts.put(made, build.setup())
    claim_in(made, "account-1", "me")
    yield made
    connection.close()
