"""A file that is kept anew and swept at once; tests/conformance/test_copies.py has the rest."""

from __future__ import annotations

from datetime import timedelta

from tests import build
from tests.fakes import START, FakeClock
from tests.harness.files import finished
from tests.harness.leases import claim
from tests.harness.meeting import meeting
from tests.harness.postgresql import Cluster, needs_postgresql
from tests.limits import GHOST_AGE
from waystation.store.postgresql.store import PostgresStore
from waystation.wire.message import Attachment

pytestmark = needs_postgresql

DUE, UNTIL = START + timedelta(minutes=1), START + timedelta(minutes=2)


async def test_a_copy_never_names_a_file_that_was_swept(
    postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.url(postgresql_database)
    one, two = [await PostgresStore.open(url, FakeClock(), ghost_age=GHOST_AGE) for _ in range(2)]
    await one.add_user("owner@example.org", b"hash", START)
    await one.put_account(build.setup())
    await claim(one, "account-1", "me")
    for turn in range(3):
        digest = bytes([turn]) * 32
        await finished(one, 2 * turn, Attachment("a"), at_s=2 * turn)
        (wanted,) = await one.copies.claim(DUE, UNTIL, 10)
        await one.copies.keep(wanted, f"old-{turn}", digest, 4)
        await one.copies.let_go(10)
        job = await finished(one, 2 * turn + 1, Attachment("a"), at_s=2 * turn + 1)
        (wanted,) = await one.copies.claim(DUE, UNTIL, 10)
        async with meeting(url, one, two) as place:
            kept, swept = await place.of(
                one.copies.keep(wanted, f"new-{turn}", digest, 4), two.copies.unused(10)
            )
        found = await one.copies.find(job.jobid, 0, "a")
        assert found is None or found.name == kept
        if found is not None and not isinstance(swept, Exception):
            assert found.name not in swept
    await one.close()
    await two.close()
