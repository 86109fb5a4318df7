"""The judge of lost jobs, and look-alikes of which nobody can know that they drew nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.invariants import Evidence, nothing_is_lost
from tests.e2e.records import Row
from waystation import sentences

LOST_FOR = "although the bot had finished it before"


def job(jobid: str, prompt: str = "a fox", **fields: Any) -> Row:
    """Return a job that was not told apart, and has shown no uuid."""
    return {
        "jobid": jobid,
        "channel": "1",
        "verb": "imagine",
        "params": f'{{"prompt": "{prompt}"}}',
        "parent_jobid": None,
        "pressed": None,
        "status": "failed",
        "error": sentences.NOT_TOLD_APART.text,
        "late": None,
        "hash": None,
        "ghost": False,
        "submitted_at": 1_500_000,
        "created_at": 1_000_000,
        "finished_at": 30_000_000,
        **fields,
    }


def page(nonce: str, **fields: Any) -> Row:
    """Return the page of an ask that the bot has finished."""
    return {
        "nonce": nonce,
        "by_hand": False,
        "status": "completed",
        "indistinguishable_from": [],
        "message_ids": [f"result {nonce}"],
        "final_at_s": 2.0,
        **fields,
    }


def event(kind: str, **body: Any) -> Row:
    return {"kind": kind, "body": body}


def judged(
    other: Row, heard: tuple[Row, ...], *pages: Row, own: Row | None = None, readable: str = ""
) -> list[str]:
    """Judge a job whose result nothing names, beside another one with the nonce 11."""
    own = own or job("own")
    seen = Evidence(
        jobs=[other, own],
        events={
            "other": [event("Submitted", nonce="11"), *heard],
            "own": [event("Submitted", nonce="12")],
        },
        owed=[],
        accounts=[],
        mails=[],
        answers=[],
        callbacks=[],
        log=[],
        book=[page("12"), *pages],
        sessions={},
        stored=b"",
        secrets=[],
        readable=frozenset({readable, "result 12"}),
    )
    return [*nothing_is_lost(seen)]


OTHER = job("other", error="Midjourney bot did not reply within 60 seconds")
REFUSED = page("11", status="failed", message_ids=["refusal"])


@pytest.mark.parametrize("heard", [(), (event("InteractionSeen"),)], ids=["nothing", "its id"])
@pytest.mark.parametrize("pages", [(), (REFUSED,)], ids=["not executed", "refused in private"])
def test_a_job_is_not_lost_beside_an_ask_that_drew_nothing_which_nobody_can_know(
    pages: tuple[Row, ...], heard: tuple[Row, ...]
) -> None:
    assert judged(OTHER, heard, *pages) == []


@pytest.mark.parametrize(
    ("other", "heard", "pages", "own", "readable"),
    [
        (job("other", "an owl"), (), (), None, ""),
        (OTHER, (), (page("11"),), None, ""),
        (OTHER, (), (REFUSED,), None, "refusal"),
        (OTHER, (event("Failed", matched_by="nonce"),), (REFUSED,), None, ""),
        (OTHER, (event("Refused"),), (), None, ""),
        (OTHER | {"created_at": 31_000_000}, (), (), None, ""),
        (OTHER, (), (), job("own", hash="0b0b"), ""),
        (OTHER, (), (), job("own", error=OTHER["error"]), ""),
    ],
    ids=[
        "of other words",
        "that has drawn",
        "whose refusal is in history",
        "whose refusal was heard",
        "that Discord refused",
        "that was asked later",
        "of a job that has shown its uuid",
        "of a job that ended otherwise",
    ],
)
def test_a_job_is_lost_beside_an_ask(
    other: Row, heard: tuple[Row, ...], pages: tuple[Row, ...], own: Row | None, readable: str
) -> None:
    told = judged(other, heard, *pages, own=own, readable=readable)
    assert any(one.startswith("own ended failed") and one.endswith(LOST_FOR) for one in told)


GHOST = job(
    "other",
    error="The bot's result could not be found",
    ghost=True,
    submitted_at=1_200_000,
)
DREW = (page("11"), (event("Acknowledged"),))


@pytest.mark.parametrize(
    ("fields", "is_excused"),
    [
        ({}, True),
        ({"hash": "uuid"}, False),
        ({"late": "{}"}, False),
        ({"ghost": False}, False),
        ({"submitted_at": 1_700_000}, False),
        ({"params": '{"prompt": "a dog"}'}, False),
    ],
)
def test_a_picture_may_be_that_of_an_earlier_ghost(
    fields: dict[str, Any], is_excused: bool
) -> None:
    drawn, heard = DREW
    wrong = [one for one in judged({**GHOST, **fields}, heard, drawn) if one.startswith("own ")]
    assert (wrong == []) is is_excused
