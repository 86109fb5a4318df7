"""A command that is taken and withdrawn at once; tests/conformance/test_nodes.py has the rest."""

from __future__ import annotations

from datetime import timedelta

from tests import build
from tests.fakes import START, FakeClock
from tests.harness.meeting import meeting
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE
from waystation.ports import Command
from waystation.store.postgresql.store import PostgresStore

pytestmark = needs_postgresql

LONG = timedelta(hours=1)


async def test_a_command_is_taken_or_withdrawn_and_never_both(
    postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)
    one, two = [await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE) for _ in range(2)]
    await one.add_user("owner@example.org", b"hash", START)
    await one.put_account(build.setup())
    await one.nodes.begin("a", "host", LONG)
    await one.nodes.take("account-1", "a")
    for turn in range(5):
        await one.commands.add(Command(f"command-{turn}", "account-1", "cancel", "{}"), LONG, 10**6)
        async with meeting(url, one, two) as place:
            taken, withdrawn = await place.of(
                one.commands.take("a"), two.commands.withdraw(f"command-{turn}")
            )
        assert bool(taken) != withdrawn
    await one.close()
    await two.close()
