"""A dump of PostgreSQL, put back while jobs of its moment went on."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

from tests.e2e.process import ground
from tests.harness.postgresql import TOOLS, Cluster, needs_postgresql, put_away
from waystation.settings import load

pytestmark = needs_postgresql


async def test_a_job_that_was_open_in_a_dump_ends_and_is_not_asked_again(
    tmp_path: Path, postgresql: Cluster, postgresql_database: str
) -> None:
    url = postgresql.pooled_url(postgresql_database)
    dump = str(tmp_path / "dump")
    with put_away(postgresql) as other:
        async with ground(tmp_path, database_url=url, lease_s=3.0) as here:
            await here.settle_in()
            here.doors.hold("MESSAGE_CREATE")
            asked = here.ask("info")
            await here.recorded("InteractionSeen")
            # beside the running service, whose lease is in the dump
            whole = ["--format=custom", f"--file={dump}", postgresql.url(postgresql_database)]
            subprocess.run([str(TOOLS / "pg_dump"), *whole], check=True)
            assert await here.stop(signal.SIGKILL) != 0
            await asyncio.wait({asked})
            asked.exception()
            into = f"--dbname={postgresql.url(other)}"
            subprocess.run([str(TOOLS / "pg_restore"), into, dump], check=True)
            here.environment["WAYSTATION_DATABASE_URL"] = postgresql.pooled_url(other)
            here.settings = load(flags={}, environ=here.environment)
            here.doors.release()
            await here.start()
            job = await here.only_job()
            assert (job["status"], job["error"]) == ("failed", "restored")
            assert await here.outside.callback() == job
            assert len(here.interactions) == 1
            await here.connected()
            # the account goes on
            await here.ask("imagine", prompt="an owl")
            assert {row["status"] for row in await here.final()} == {"failed", "completed"}
