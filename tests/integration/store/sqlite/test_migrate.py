from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import apsw
import msgspec
import pytest

from tests import build
from tests.harness.additive import taken_away
from tests.harness.leases import claim_in
from waystation.errors import SchemaMismatch
from waystation.store.rows import ACCOUNTS
from waystation.store.sqlite.backup import back_up
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import (
    ADDS_SINCE,
    Migration,
    migrate,
    migrations,
    schema_number,
)
from waystation.store.transactions import accounts
from waystation.store.transactions.restored import UPGRADED

NEXT = Migration(len(migrations()) + 1, "next", "create table extra (a integer) strict;")
BROKEN = Migration(len(migrations()) + 1, "broken", "create table extra (a integer); select nope;")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[apsw.Connection]:
    made = connect(tmp_path / "w.db")
    yield made
    made.close()


def migrated(connection: apsw.Connection) -> Database:
    migrate(connection, build.later(), None)
    database = Database(connection)
    accounts.add_user(database, "owner@example.org", b"hash", build.later())
    accounts.put(database, build.setup())
    claim_in(database, "account-1", "me")
    return database


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [each.number for each in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_new_database_gets_every_migration_and_no_backup(
    connection: apsw.Connection, tmp_path: Path
) -> None:
    assert schema_number(connection) == 0
    assert migrate(connection, build.later(), tmp_path / "backups") is None
    assert schema_number(connection) == migrations()[-1].number
    assert not (tmp_path / "backups").exists()
    assert Database(connection).one("meta", {"name": "restored"}) is None


def test_migrating_again_changes_nothing(connection: apsw.Connection, tmp_path: Path) -> None:
    database = migrated(connection)
    assert migrate(connection, build.later(9), tmp_path / "backups") is None
    assert database.one("assignment", {"account_id": "account-1"}) == ("me", 1)
    assert database.one("largest_epoch") == (1,)


def test_an_older_database_is_backed_up_first(connection: apsw.Connection, tmp_path: Path) -> None:
    migrated(connection)
    backup = migrate(connection, build.later(9), tmp_path / "backups", (*migrations(), NEXT))
    assert backup is not None
    assert backup.stat().st_mode & 0o777 == 0o600
    copy = apsw.Connection(str(backup))
    assert schema_number(copy) == migrations()[-1].number
    assert copy.execute("select email from users").fetchall() == [("owner@example.org",)]
    copy.close()
    assert list(backup.parent.iterdir()) == [backup]
    assert schema_number(connection) == NEXT.number


def test_a_migration_of_an_early_schema_ends_every_lease_and_what_was_sent(
    connection: apsw.Connection,
) -> None:
    migrate(connection, build.later(), None, migrations()[: ADDS_SINCE - 1])
    connection.execute(
        """
        insert into users (email, created_at, token_hash, updated_at) values ('a@b.c', 1, x'00', 1);
        insert into accounts (account_id, user_id, discord_user_id, channel, max_jobs, sealed_token,
          masked_token, created_at, epoch) values ('account-1', 1, 'd', 'c', 3, x'00', 'm', 1, 1);
        insert into nodes (node_id, name, began_at, lease_until) values ('me', '', 1, 1);
        insert into assignments (account_id, node_id, epoch) values ('account-1', 'me', 1);
        """
    )
    database = Database(connection)
    migrate(connection, build.later(9), None)
    assert database.one("assignment", {"account_id": "account-1"}) is None
    assert (database.one("largest_epoch") or (0,))[0] > 1
    assert database.one("meta", {"name": "restored"}) == (UPGRADED,)


def test_a_migration_that_only_adds_ends_nothing(connection: apsw.Connection) -> None:
    """R39."""
    database = migrated(connection)
    migrate(connection, build.later(9), None, (*migrations(), NEXT))
    assert database.one("assignment", {"account_id": "account-1"}) == ("me", 1)
    assert database.one("meta", {"name": "restored"}) is None


def test_each_late_migration_only_adds() -> None:
    for step in migrations()[ADDS_SINCE:]:
        assert taken_away(step) == [], step.name


def test_a_migration_that_fails_leaves_the_schema_as_it_was(connection: apsw.Connection) -> None:
    migrated(connection)
    with pytest.raises(apsw.SQLError):
        migrate(connection, build.later(9), None, (*migrations(), BROKEN))
    assert schema_number(connection) == migrations()[-1].number
    tables = connection.execute("select name from sqlite_schema where name = 'extra'").fetchall()
    assert tables == []
    assert not connection.in_transaction


def test_a_database_of_a_newer_version_is_refused(connection: apsw.Connection) -> None:
    migrate(connection, build.later(), None, (*migrations(), NEXT))
    with pytest.raises(SchemaMismatch, match=str(NEXT.number)):
        migrate(connection, build.later(), None)


def test_a_backup_put_back_raises_epochs_once(connection: apsw.Connection, tmp_path: Path) -> None:
    migrated(connection)
    backup = back_up(connection, tmp_path / "backups" / "one.db")
    restored = connect(backup)
    database = Database(restored)
    migrate(restored, build.later(2), None)
    first = database.one("largest_epoch")
    assert first is not None and first[0] > 1
    assert database.one("meta", {"name": "restored"}) == (1,)
    migrate(restored, build.later(3), None)
    assert database.one("largest_epoch") == first
    restored.close()
    # The database itself was not marked.
    assert Database(connection).one("meta", {"name": "restored"}) is None


def test_callbacks_of_an_older_version_and_their_attempts_stay(
    connection: apsw.Connection,
) -> None:
    migrate(connection, build.later(), None, migrations()[:2])
    connection.execute(
        """
        insert into users (email, created_at, token_hash, updated_at) values ('a@b.c', 1, x'00', 1);
        insert into jobs (jobid, user_id, account_id, channel, verb, status, created_at, updated_at,
          discord, slot, ghost, code, version) values ('job', 1, 'a', 'c', 'info', 'created', 1, 1,
          'd', 0, 0, 200, 0);
        insert into deliveries (delivery_id, jobid, user_id, url, body, created_at, next_attempt_at,
          attempts, status) values ('one', 'job', 1, 'http://a.test/', x'7b7d', 1, 2, 1, 'pending');
        insert into delivery_attempts values ('one', 1, 1, 500, null, 0.5);
        """
    )
    migrate(connection, build.later(9), None)
    kept = connection.execute("select callback_id, body, attempts, status, is_final from callbacks")
    assert kept.fetchall() == [("one", b"{}", 1, "pending", 1)]
    attempts = connection.execute("select callback_id, number, status from callback_attempts")
    assert attempts.fetchall() == [("one", 1, 500)]
    assert connection.execute("pragma foreign_key_check").fetchall() == []
    connection.execute("delete from jobs")
    assert connection.execute("select count(*) from callback_attempts").fetchall() == [(0,)]


def test_jobs_of_an_older_version_get_the_guild_of_their_account(
    connection: apsw.Connection,
) -> None:
    migrate(connection, build.later(), None, migrations()[:3])
    connection.execute(
        """
        insert into users (email, created_at, token_hash, updated_at) values ('a@b.c', 1, x'00', 1);
        insert into accounts (account_id, user_id, discord_user_id, channel, guild_id, max_jobs,
          sealed_token, masked_token, created_at) values ('a', 1, 'd', 'c', 'g', 3, x'00', 'm', 1);
        """
    )
    job = """
        insert into jobs (jobid, user_id, account_id, channel, verb, status, created_at, updated_at,
          discord, slot, ghost, code, version) values (?, 1, ?, 'c', 'info', 'created', 1, 1,
          'd', 0, 0, 200, 0);
    """
    connection.execute(job, ("known", "a"))
    connection.execute(job, ("gone", "b"))
    migrate(connection, build.later(9), None)
    kept = connection.execute("select jobid, server from jobs").fetchall()
    assert sorted(kept, key=str) == [("gone", None), ("known", "g")]


def test_jobs_that_ended_lately_are_known_after_the_migration(connection: apsw.Connection) -> None:
    number = next(one.number for one in migrations() if one.name == "seen_messages")
    migrate(connection, build.later(), None, migrations()[: number - 1])
    now = int(str(connection.execute("select strftime('%s', 'now')").fetchall()[0][0]))
    connection.execute(
        "insert into users (email, created_at, token_hash) values ('a@example.org', 0, x'00');"
        "insert into accounts (account_id, user_id, discord_user_id, channel, max_jobs,"
        " sealed_token, masked_token, created_at) values ('a', 1, '1', '2', 3, x'00', '', 0)"
    )
    ended = {
        "young": (now - 60, 0),
        "less young": (now - 90, 0),
        "old": (now - 200_000, 0),
        "ghost": (now - 60, 1),
    }
    for jobid, (at, ghost) in ended.items():
        connection.execute(
            "insert into jobs (jobid, user_id, account_id, channel, verb, status, created_at,"
            " updated_at, discord, slot, code, version, ghost, finished_at, nonce, hash, messages)"
            " values (?, 1, 'a', '2', 'imagine', 'failed', 0, 0, '', 0, 200, 1, ?, ?, ?, ?, ?)",
            (
                jobid,
                ghost,
                at * 1_000_000,
                f"n-{jobid}",
                f"h-{jobid}",
                '{"7":"result","8":"target"}',
            ),
        )
    migrate(connection, build.later(), None)
    rows = connection.execute(
        "select discord_user_id, channel, kind, id, body from seen_messages order by number"
    ).fetchall()
    # the newest is the last to give way
    assert [row[:4] for row in rows] == [
        ("1", "2", "settled", "less young"),
        ("1", "2", "settled", "young"),
    ]
    assert sorted(msgspec.json.decode(cast(bytes, rows[1][4]))) == ["7", "h-young", "n-young"]


def test_accounts_of_an_older_version_were_never_refused(connection: apsw.Connection) -> None:
    number = next(one.number for one in migrations() if one.name == "sidelining")
    migrate(connection, build.later(), None, migrations()[: number - 1])
    connection.execute(
        """
        insert into users (email, created_at, token_hash, updated_at) values ('a@b.c', 1, x'00', 1);
        insert into accounts (account_id, user_id, discord_user_id, channel, guild_id, max_jobs,
          sealed_token, masked_token, created_at) values ('a', 1, 'd', 'c', 'g', 3, x'00', 'm', 1);
        """
    )
    migrate(connection, build.later(9), None)
    row = Database(connection).one("account_by_id", {"account_id": "a"})
    assert row is not None and ACCOUNTS.read(row).trouble is None
