from __future__ import annotations

from tests import build
from waystation.jobs import Job
from waystation.store.sqlite.database import Database
from waystation.store.transactions import accounts, slots
from waystation.store.transactions.rooms import any_room, room_for


def test_a_room_tells_the_slots_and_the_lane(database: Database) -> None:
    for takes_slot in (True, True, False):
        made = slots.add_job(database, build.draft(takes_slot=takes_slot), build.later())
        assert isinstance(made, Job)
    room = room_for(database, "account-1", 1, build.later())
    assert room is not None
    assert (room.slots, room.in_lane, room.max_jobs, room.usable) == (2, 1, 3, True)
    assert any_room(database, "account-1", build.later()) == room
    accounts.remove(database, "account-1", build.later())
    removed = any_room(database, "account-1", build.later())
    assert removed is not None
    assert not removed.usable


def test_nobody_looks_at_an_account_that_they_may_not_use(database: Database) -> None:
    """R32."""
    accounts.add_user(database, "b@example.org", b"h", build.later())
    assert room_for(database, "account-1", 2, build.later()) is None
    assert any_room(database, "account-9", build.later()) is None
