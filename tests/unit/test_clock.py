from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import FakeClock, FakeIds
from waystation.clock import SystemClock, SystemIds
from waystation.ports import Clock, IdSource
from waystation.wire.snowflake import is_snowflake, snowflake_time

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)


class _Machine:
    """A machine whose clocks a test sets by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.shown = NOW

    def clock(self, boot_id: str = "boot-1") -> SystemClock:
        return SystemClock(lambda: self.shown, lambda: self.seconds, boot_id)

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.shown += timedelta(seconds=seconds)


def test_the_clock_knows_its_zone_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    assert clock.now().tzinfo is clock.wall().tzinfo is UTC
    assert abs(clock.now() - clock.wall()) < timedelta(seconds=1)
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize("jump", [timedelta(hours=1), -timedelta(hours=1)])
def test_the_services_own_time_does_not_jump_with_the_wall_clock(jump: timedelta) -> None:
    machine = _Machine()
    clock = machine.clock()
    machine.shown += jump
    machine.pass_by(5)
    assert clock.now() == NOW + timedelta(seconds=5)
    assert clock.wall() == NOW + jump + timedelta(seconds=5)


def test_the_next_process_goes_on_with_the_same_time_whatever_the_wall_clock_says() -> None:
    machine = _Machine()
    kept = machine.clock().kept(None)
    machine.shown += timedelta(hours=1)
    machine.pass_by(5)
    later = machine.clock()
    assert later.now() == NOW + timedelta(hours=1, seconds=5)
    later.go_on(kept)
    assert later.now() == NOW + timedelta(seconds=5)
    machine.pass_by(5)
    again = machine.clock()
    again.go_on(later.kept(None))
    assert again.now() == NOW + timedelta(seconds=10)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "",
        "nonsense",
        '["", "2020-01-01"]',
        '["boot-1", "x"]',
        '["boot-0", "2020-01-01", "2020-01-01"]',
        '["boot-0", "2020-01-01", "2020-01-01", 1e300]',
        '["boot-0", "2020-01-01", "2020-01-01", null]',
    ],
)
def test_after_a_new_start_of_the_machine_time_starts_at_the_wall_clock(kept: str | None) -> None:
    machine = _Machine()
    for before in (kept, machine.clock("boot-0").kept(None)):
        machine.shown += timedelta(hours=1)
        clock = machine.clock()
        clock.go_on(before)
        assert clock.now() == machine.shown


def test_without_a_name_for_the_machines_start_time_starts_at_the_wall_clock() -> None:
    machine = _Machine()
    kept = machine.clock("").kept(None)
    machine.shown += timedelta(hours=1)
    clock = machine.clock("")
    clock.go_on(kept)
    assert clock.now() == machine.shown


def test_after_a_start_with_a_wall_clock_of_the_past_time_goes_on_from_what_was_kept() -> None:
    machine = _Machine()
    machine.pass_by(60)
    kept = machine.clock("boot-0").kept(None)
    machine.shown, machine.seconds = datetime(1970, 1, 1, tzinfo=UTC), 3.0
    clock = machine.clock()
    clock.go_on(kept)
    assert clock.now() == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("wrong", [timedelta(days=20_000), -timedelta(days=400)])
def test_after_a_wrong_wall_clock_time_goes_on_as_far_from_discords(wrong: timedelta) -> None:
    """A job of the wrong clock's time is as old under the right one as it is."""
    machine = _Machine()
    machine.shown = NOW - wrong
    kept = machine.clock("boot-0").kept(wrong)
    machine.shown, machine.seconds = NOW + timedelta(hours=2), 3.0
    for boot in ("boot-1", "boot-2"):
        clock = machine.clock(boot)
        clock.go_on(kept)
        assert clock.now() == NOW - wrong + timedelta(hours=2)
        # also while Discord has not answered in that process
        kept = clock.kept(None)


class _Starts:
    """A machine that is started again and again, and what its job's age is in the own time."""

    def __init__(self, wrong: timedelta) -> None:
        self._true = NOW
        self._kept: str | None = None
        self._starts = 0
        self._clock = self._start(wrong)
        self._asked = self._clock.now()

    def _start(self, wrong: timedelta) -> SystemClock:
        self._starts += 1
        begun = self._true
        clock = SystemClock(
            lambda: self._true + wrong,
            lambda: (self._true - begun).total_seconds() + 3,
            f"boot-{self._starts}",
        )
        clock.go_on(self._kept)
        return clock

    def again(self, wrong: timedelta, off: timedelta = timedelta(minutes=3)) -> None:
        """Run for an hour, be off, and start with a wall clock that is as wrong as said."""
        self._true += timedelta(hours=1)
        self._kept = self._clock.kept(self._true - self._clock.now())
        self._true += off
        self._clock = self._start(wrong)

    @property
    def error(self) -> timedelta:
        """By how much what was stored at first is older than it is."""
        return (self._clock.now() - self._asked) - (self._true - NOW)


_RIGHT = timedelta()
_WRONGS = [
    timedelta(hours=hours) * sign
    for hours in (0.9, 1, 6, 400 * 24, 56 * 365 * 24)
    for sign in (1, -1)
]
_NEARLY = timedelta(milliseconds=1)


@pytest.mark.parametrize("wrong", _WRONGS)
def test_rows_keep_their_age_over_starts_with_the_same_wrong_wall_clock(
    wrong: timedelta,
) -> None:
    machine = _Starts(wrong)
    for _ in range(6):
        machine.again(wrong)
        assert abs(machine.error) < _NEARLY


@pytest.mark.parametrize("wrong", _WRONGS)
def test_rows_keep_their_age_when_the_wall_clock_becomes_right(wrong: timedelta) -> None:
    machine = _Starts(wrong)
    for _ in range(6):
        machine.again(_RIGHT)
        assert abs(machine.error) < _NEARLY


@pytest.mark.parametrize("wrong", _WRONGS)
def test_a_right_wall_clock_that_becomes_wrong_ages_what_is_stored_once_at_most(
    wrong: timedelta,
) -> None:
    """Ahead, it is like a machine that was off; behind, only the time off is not known."""
    machine = _Starts(_RIGHT)
    machine.again(wrong)
    first = machine.error
    expected = wrong if wrong > _RIGHT else -timedelta(minutes=3)
    assert abs(first - expected) < _NEARLY
    for _ in range(5):
        machine.again(wrong)
        assert abs(machine.error - first) < _NEARLY


@pytest.mark.parametrize("wrong", _WRONGS)
@pytest.mark.parametrize("wrong_again", [True, False])
def test_after_a_wrong_wall_clock_a_long_time_off_may_count_for_less_but_never_for_more(
    wrong: timedelta, wrong_again: bool
) -> None:
    machine = _Starts(wrong)
    for _ in range(6):
        before = machine.error
        machine.again(wrong if wrong_again else _RIGHT, timedelta(hours=8))
        assert -min(abs(wrong), timedelta(hours=8)) - _NEARLY < machine.error - before < _NEARLY


def test_the_wall_clocks_error_is_that_of_the_start_not_of_what_it_was_set_to_since() -> None:
    """A hardware clock in local time: each start is an hour wrong until NTP has set it."""
    machine, kept, asked = _Machine(), None, NOW + timedelta(hours=1)
    for start in range(6):
        machine.shown += timedelta(hours=1)
        machine.seconds = 3.0
        clock = machine.clock(f"boot-{start}")
        clock.go_on(kept)
        assert clock.now() == asked + timedelta(minutes=8) * start
        machine.shown -= timedelta(hours=1)
        machine.pass_by(300)
        # another process of the same start
        kept = clock.kept(machine.shown - clock.now())
        clock = machine.clock(f"boot-{start}")
        clock.go_on(kept)
        kept = clock.kept(None)
        machine.shown += timedelta(minutes=3)


def test_a_hardware_clock_that_went_a_little_slower_is_still_the_same_wrong_one() -> None:
    machine = _Machine()
    machine.shown += timedelta(hours=1)
    clock = machine.clock("boot-0")
    clock.go_on(None)
    machine.pass_by(60)
    newest = clock.now()
    kept = clock.kept(-timedelta(hours=1))
    machine.shown -= timedelta(minutes=2)
    clock = machine.clock("boot-1")
    clock.go_on(kept)
    assert clock.now() == newest


def test_a_floor_that_an_earlier_version_kept_counts_too() -> None:
    machine = _Machine()
    later = NOW + timedelta(days=1)
    for kept in ([], [later.isoformat()], [later.isoformat(), 0]):
        clock = machine.clock()
        clock.go_on(json.dumps(["boot-0", later.isoformat(), *kept]))
        assert clock.now() == later


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_nodes_with_clocks_minutes_apart_have_the_time_of_their_database() -> None:
    """R28."""
    early, late = _Machine(), _Machine()
    late.shown += timedelta(minutes=5)
    clocks = [early.clock("boot-1"), late.clock("boot-2")]
    for clock in clocks:
        clock.follow(NOW + timedelta(minutes=1))
    early.pass_by(10)
    late.pass_by(10)
    assert [clock.now() for clock in clocks] == [NOW + timedelta(minutes=1, seconds=10)] * 2


def test_spans_count_suspend() -> None:
    assert abs(SystemClock().monotonic() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


async def test_sleeping_for_nothing_returns() -> None:
    await SystemClock().sleep(0)
    await SystemClock().sleep(-1)


async def test_a_sleep_asks_the_clock_again_at_least_every_30_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, naps = _Machine(), []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        # the loop's timer stood still while the machine was suspended for half a minute
        machine.pass_by(seconds + 30)

    monkeypatch.setattr("waystation.clock.asyncio.sleep", nap)
    await machine.clock().sleep(100)
    assert naps == [30, 30]


async def test_a_timer_that_fires_early_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, naps = _Machine(), []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        machine.pass_by(1)

    monkeypatch.setattr("waystation.clock.asyncio.sleep", nap)
    await machine.clock().sleep(3)
    assert naps == [3, 2, 1]


def test_a_nonce_looks_like_a_snowflake_of_its_instant() -> None:
    nonce = SystemIds().nonce(NOW)
    assert is_snowflake(nonce)
    assert snowflake_time(nonce) == NOW


def test_nonces_only_grow_even_when_the_clock_is_set_back() -> None:
    ids = SystemIds()
    made = [int(ids.nonce(NOW - timedelta(seconds=number))) for number in range(1000)]
    assert made == sorted(set(made))


def test_two_processes_do_not_make_the_same_nonces() -> None:
    assert SystemIds().nonce(NOW) != SystemIds().nonce(NOW)


def test_tokens_are_long_and_differ() -> None:
    ids: IdSource = SystemIds()
    first, second = ids.token(), ids.token()
    assert first != second
    assert len(first) == 43
    assert len(ids.token(6)) == 8


def test_each_number_below_a_limit_is_drawn() -> None:
    ids = SystemIds()
    assert {ids.below(3) for _ in range(200)} == {0, 1, 2}


def test_fractions_are_below_one() -> None:
    assert all(0 <= SystemIds().fraction() < 1 for _ in range(100))


async def test_the_fake_clock_wakes_who_is_due_in_order() -> None:
    import asyncio

    clock, woken = FakeClock(), []

    async def nap(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    tasks = [asyncio.ensure_future(nap(seconds)) for seconds in (3.0, 1.0, 9.0)]
    await clock.sleeping(3)
    await clock.elapse(5)
    assert woken == [(1.0, 1.0), (3.0, 3.0)]
    assert (clock.sleepers, clock.now() - NOW.replace(microsecond=0)) == (1, timedelta(seconds=5))
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.sleepers == 0


def test_the_fake_wall_clock_can_be_set() -> None:
    clock = FakeClock()
    clock.set_wall(timedelta(hours=1))
    assert (clock.wall() - clock.now(), clock.monotonic()) == (timedelta(hours=1), 0.0)


def test_the_fake_ids_count() -> None:
    ids = FakeIds()
    assert int(ids.nonce(NOW)) < int(ids.nonce(NOW))
    assert (ids.token(), ids.below(7), ids.fraction()) == ("token-3", 0, 0.0)


def test_a_clock_that_follows_a_database_shows_its_time_and_runs_evenly() -> None:
    machine = _Machine()
    clock = machine.clock()
    ahead = timedelta(minutes=5)
    assert clock.follow(NOW + ahead) == ahead
    assert clock.now() == clock.wall() == NOW + ahead
    # whoever sets the machine's clock changes nothing
    machine.shown += timedelta(hours=1)
    machine.pass_by(10)
    assert clock.now() == clock.wall() == NOW + ahead + timedelta(seconds=10)
    assert clock.follow(NOW) == -ahead - timedelta(seconds=10)
    assert clock.now() == clock.wall() == NOW
    assert clock.monotonic() == 110.0
