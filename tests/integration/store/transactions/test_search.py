"""Searching on a real database: nobody else's jobs, no text without end, nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import build
from tests.fakes import FakeClock
from tests.harness.blocking import on_sqlite
from tests.limits import GHOST_AGE
from waystation.errors import StoreError
from waystation.jobs import Job, JobStatus
from waystation.ports import JobSearch, JobsFound
from waystation.store.folding import folded
from waystation.store.sqlite.database import Database
from waystation.store.sqlite.store import SqliteStore
from waystation.store.transactions import accounts, search, slots, upkeep
from waystation.store.transactions.search import (
    find,
    forget,
    index_job,
    index_older,
    number_of,
)


def _ask(database: Database, prompt: str | None, at_s: float, **fields: object) -> Job:
    params = {} if prompt is None else {"prompt": prompt}
    draft = build.replace(
        build.draft(), params=params, takes_slot=False, max_jobs=None, lane=10**6, **fields
    )
    job = slots.add_job(database, draft, build.later(at_s))
    assert isinstance(job, Job)
    return job


def _found(database: Database, user_id: int = 1, limit: int = 50, **fields: object) -> JobsFound:
    return find(database, JobSearch(user_id, limit, **fields))  # type: ignore[arg-type]


def _prompts(found: JobsFound) -> Sequence[object]:
    return [job.params.get("prompt") for job in found.jobs]


@pytest.mark.parametrize(
    ("text", "finds"),
    [
        ("fox", True),
        ("RED FOX", True),
        ("d f", True),
        ("xof", False),
        ("red snow", False),
        ("红狐狸", True),
        ("狐狸在雪", True),
        ("雪红狐", False),
        ("straße", True),
        ("STRASSE", True),
        ("ÉTÉ", True),
        ("e\u0301te\u0301", True),
        ('"q"', True),
        ("* --", True),
        ("Ω٪…", False),
        ("5_% ", True),
        ("5__", False),
        ("_%_", False),
        (r"c:\q", True),
        (r"c:\\", False),
    ],
)
@pytest.mark.parametrize("rare", [0, 500])
def test_a_part_of_the_prompt_is_found_in_any_case_and_script(
    database: Database, text: str, finds: bool, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By either way to read: of texts that few prompts hold, and of common ones."""
    monkeypatch.setattr(search, "_RARE", rare)
    prompt = r'A Red Fox, 红狐狸在雪中, Straße, été, "Q" * --ar 3:2 5_% C:\q snow'
    _ask(database, prompt, 0)
    _ask(database, "another", 1)
    assert _prompts(_found(database, text=text)) == ([prompt] if finds else [])


def test_three_characters_that_stand_apart_are_not_the_text(database: Database) -> None:
    """The index knows of each three characters alone."""
    _ask(database, "abcd bcde", 0)
    assert _prompts(_found(database, text="abcde")) == []


def test_jobs_come_newest_first_in_pages(database: Database) -> None:
    jobs = [_ask(database, f"fox {number}", number) for number in range(7)]
    seen: list[str] = []
    below, pages = None, 0
    while True:
        found = _found(database, limit=3, text="fox", below_ms=below)
        seen += [job.jobid for job in found.jobs]
        below, pages = found.next_ms, pages + 1
        if below is None:
            break
    assert (seen, pages) == ([job.jobid for job in reversed(jobs)], 3)


def test_a_job_that_comes_between_two_pages_moves_none(database: Database) -> None:
    for number in range(4):
        _ask(database, f"fox {number}", number)
    first = _found(database, limit=2)
    _ask(database, "fox 9", 9)
    assert _prompts(_found(database, limit=2, below_ms=first.next_ms)) == ["fox 1", "fox 0"]


def test_another_users_jobs_are_never_found(database: Database) -> None:
    """I13, R32: whatever the fields say, numbers of other users are out of reach."""
    accounts.add_user(database, "eve@example.org", b"h", build.later())
    accounts.add_user(database, "zoe@example.org", b"h", build.later())
    accounts.put(database, build.replace(build.setup(build.account(2)), user_id=2))
    own = _ask(database, "my fox", 0)
    _ask(database, "her fox", 0, user_id=2, candidates=["account-2"])
    for text in (None, "fox"):
        for ms in (None, 0, 1 << 41, (1 << 42) - 1, 1 << 42, 1 << 60, 10**30):
            ends: list[dict[str, Any]] = [{"until_ms": ms}, {"below_ms": ms}, {"since_ms": ms}]
            for end in ends:
                for user_id in (1, 2, 3):
                    found = _found(database, user_id, text=text, **end)
                    assert {job.user_id for job in found.jobs} <= {user_id}
    assert [job.jobid for job in _found(database).jobs] == [own.jobid]
    assert _found(database, 3).jobs == ()


def test_status_verb_channel_and_time_narrow_a_search(database: Database) -> None:
    old, new = _ask(database, "fox", 0), _ask(database, "fox", 60, verb="show")
    epoch_ms = (number_of(new.jobid) or 0) & (1 << 42) - 1
    for fields, jobs in (
        ({"verb": "show"}, [new]),
        ({"verb": old.verb}, [old]),
        ({"channel": old.channel}, [new, old]),
        ({"channel": "1"}, []),
        ({"statuses": (JobStatus.CREATED,)}, [new, old]),
        ({"statuses": (JobStatus.FAILED, JobStatus.COMPLETED)}, []),
        ({"since_ms": epoch_ms}, [new]),
        ({"until_ms": epoch_ms}, [old]),
        ({"since_ms": epoch_ms, "until_ms": epoch_ms}, []),
    ):
        for text in (None, "fox"):
            found = _found(database, text=text, **fields)
            assert [job.jobid for job in found.jobs] == [job.jobid for job in jobs], fields


@pytest.mark.parametrize("text", [None, "fox"])
def test_a_page_ends_after_so_many_jobs_and_the_next_goes_on(
    database: Database, text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_WINDOW", 3)
    monkeypatch.setattr(search, "_WINDOWS", 2)
    monkeypatch.setattr(search, "_RARE", 2)
    first = _ask(database, "fox", 0, verb="show")
    for number in range(20):
        _ask(database, "fox", 1 + number)
    pages, below = [], None
    while True:
        found = _found(database, text=text, verb="show", below_ms=below)
        pages.append([job.jobid for job in found.jobs])
        below = found.next_ms
        if below is None:
            break
    assert pages[-1] == [first.jobid] and pages[:-1] == [[]] * (len(pages) - 1)
    assert 2 < len(pages) < 8


def test_a_rare_text_is_found_at_once_however_old(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_WINDOW", 2)
    monkeypatch.setattr(search, "_WINDOWS", 1)
    rare = _ask(database, "an old cathedral", 0)
    for number in range(20):
        _ask(database, "fox", 1 + number)
    found = _found(database, text="cathedral")
    assert ([job.jobid for job in found.jobs], found.next_ms) == ([rare.jobid], None)
    assert _found(database, text="nowhere at all").next_ms is None


def test_a_job_that_is_purged_leaves_nothing_behind(database: Database) -> None:
    job = _ask(database, "fox", 0)
    database.connection.execute(
        "update jobs set status = 'completed', finished_at = created_at, slot = 0"
    )
    end = build.later(10)
    assert upkeep.purge(database, end, end, end, end, end, end, end, 10) == 1
    for table in ("job_finds", "job_texts"):
        assert database.connection.execute(f"select count(*) from {table}").fetchall() == [(0,)]
    assert _found(database, text="fox").jobs == ()
    forget(database, [job.jobid, "job:1"])


def test_older_jobs_are_added_in_steps_newest_first_and_none_twice(database: Database) -> None:
    jobs = [_ask(database, f"fox {number}", number) for number in range(5)]
    forget(database, [job.jobid for job in jobs[:4]])
    database.run("put_meta", {"name": "search_below", "value": "job;"})
    assert not _found(database).complete
    assert index_older(database, 2)
    assert _prompts(_found(database, text="fox")) == ["fox 4", "fox 3"]
    assert index_older(database, 2)
    assert not index_older(database, 2)
    found = _found(database, text="fox")
    assert (len(found.jobs), found.complete) == (5, True)
    assert not index_older(database, 2)


def test_an_id_of_another_form_is_not_indexed(database: Database) -> None:
    for jobid in ("job:1", f"job:20260102030405000-user:{1 << 21}-channel:1-bot:midjourney"):
        assert number_of(jobid) is None
        index_job(database, jobid, {"prompt": "fox"})
    assert database.connection.execute("select count(*) from job_finds").fetchall() == [(0,)]


def test_a_text_is_folded_whole() -> None:
    assert folded("E\u0301 Straße ŒUVRE") == "é strasse œuvre"


@on_sqlite
@pytest.mark.parametrize("fields", [{}, {"text": "fox"}, {"statuses": ("completed",)}])
def test_no_search_reads_a_table_from_end_to_end(
    database: Database, fields: dict[str, object]
) -> None:
    plans: list[str] = []
    connection = database.connection
    statements = [
        database._queries[name]
        for name in ("find_jobs", "find_texts", "find_rare_texts", "find_floor", "is_rare_text")
    ]
    for statement in statements:
        rows = connection.execute(f"explain query plan {statement}", _NONE).fetchall()
        plans += [str(row[3]) for row in rows]
    reads = [plan for plan in plans if plan.startswith(("SCAN", "SEARCH"))]
    assert [plan for plan in reads if plan.startswith("SCAN")] == [
        plan
        for plan in reads
        if plan.startswith(
            (
                "SCAN job_texts VIRTUAL TABLE INDEX",
                "SCAN json_each",
                "SCAN one VIRTUAL TABLE",
                "SCAN CONSTANT ROW",
                "SCAN (",
            )
        )
    ]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]


_NONE: dict[str, object] = dict.fromkeys(
    ("least", "below", "limit", "statuses", "verb", "channel", "text", "match", "matches", "window")
)


async def test_a_closed_store_finds_nothing(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "w.db", FakeClock(), ghost_age=GHOST_AGE)
    assert (await store.search.find(JobSearch(1, 50))).jobs == ()
    assert not await store.search.index_older(5)
    await store.close()
    with pytest.raises(StoreError):
        await store.search.find(JobSearch(1, 50))


async def test_a_search_holds_up_no_other_read(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "w.db", FakeClock(), ghost_age=GHOST_AGE)
    go = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()

    store._searches._thread.submit(hang)
    searching = asyncio.create_task(store.search.find(JobSearch(1, 50)))
    assert await store.list_users() == []
    assert not searching.done()
    go.set()
    assert (await searching).complete
    await store.close()


def test_the_numbers_of_one_user_lie_together_by_time() -> None:
    def jobid(user_id: int, at: timedelta) -> str:
        ms = (build.later() + at - slots._EPOCH) // timedelta(milliseconds=1)
        return slots.jobid_of(ms, user_id, "5")

    ids = [jobid(user, timedelta(days=days)) for user in (1, 2) for days in (0, 1, 20_000)]
    numbers = [number_of(one) or 0 for one in ids]
    assert numbers == sorted(numbers) and len(set(numbers)) == len(numbers)
    assert {number >> 42 for number in numbers} == {1, 2}
