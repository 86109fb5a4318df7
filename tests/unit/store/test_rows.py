from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from tests import build
from tests.build import replace
from waystation.callbacks import Callback
from waystation.jobs import (
    Acknowledged,
    Button,
    Failed,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    MessageRole,
    Modal,
    ModalInput,
    Nonce,
    Shown,
    Submitted,
)
from waystation.ports import Account, HaltCause, User, UserChanges
from waystation.sidelining import Cause, Trouble
from waystation.store import rows
from waystation.store.columns import Columns, Row, Values, micros
from waystation.store.rows import JOBS
from waystation.wire.message import Attachment, Embed, EmbedImage

SHOWN = Shown(
    "5",
    timestamp="2023-10-06T18:36:48.875000+00:00",
    content="**text** ✓",
    embeds=(Embed(title="t", image=EmbedImage("https://example.org/1", width=2)),),
    attachments=(Attachment("7", "grid.png", "https://example.org/2", size=3),),
    hash="uuid",
    progress=31,
    flags=0,
    buttons=(Button("U1", "MJ::JOB::upsample::1::uuid"),),
    result={"info": {"plan": "Pro"}},
)

TYPES = {
    name: next(one for one in (*get_args(kind), kind) if one is not NoneType)
    for name, kind in get_type_hints(Job).items()
    if name in Job.__struct_fields__
}
"""Field → its type, without None."""

GIVEN: Mapping[str, Any] = {
    "jobid": JobId("job:1"),
    "user_id": 1,
    "account_id": "account-1",
    "channel": "100",
    "verb": "describe",
    "status": JobStatus.FAILED,
    "created_at": build.later(0.000001),
    "updated_at": build.later(1.5),
    "discord": "ABC…secured…xyz",
    "server": "1145000000000000002",
    "params": {"describeUrl": "https://example.org/ü.png", "n": [1, None, True]},
    "max_jobs": 3,
    "reply_url": "https://example.org",
    "reply_ref": "ref",
    "slot": True,
    "slot_until": build.later(2),
    "nonce": Nonce("9"),
    "submitted_at": build.later(3),
    "deadline_at": build.later(4),
    "interaction_id": "11",
    "hash": "uuid",
    "message_id": "5",
    "messages": {"5": MessageRole.RESULT, "4": MessageRole.PROGRESS},
    "timestamp": SHOWN.timestamp,
    "content": "",
    "embeds": SHOWN.embeds,
    "attachments": SHOWN.attachments,
    "progress": 0,
    "cancel_requested_at": build.later(5),
    "vanished_at": build.later(6),
    "finished_at": build.later(7),
    "ghost": True,
    "late": SHOWN,
    "code": 504,
    "error": "Job queued",
    "error_details": "details",
    "version": 8,
    "flags": 64,
    "buttons": (Button("U1", "MJ::JOB::upsample::1::uuid"),),
    "result": {"info": {"plan": "Pro"}},
    "source_hash": "source",
    "modal": Modal("6", "MJ::Modal", (ModalInput("MJ::Modal::prompt", "text"),)),
    "discord_user_id": "200",
    "pressed": "MJ::JOB::upsample::1::uuid",
    "asked_after": "1400000000000000001",
    "wall_ahead": timedelta(hours=-1, microseconds=3),
    "reply_progress": True,
    "unclear": True,
}
"""Fields whose values say something; the others get one of their type."""

DRAWN: Mapping[object, object] = {
    str: "text",
    int: 7,
    bool: True,
    datetime: build.later(9),
    timedelta: timedelta(seconds=9),
}

FULL = Job(**{**{name: DRAWN.get(kind) for name, kind in TYPES.items()}, **GIVEN})


def row(values: Values, table: Columns[Any]) -> Row:
    return tuple(values[name] for name in table.names)


def test_a_job_with_every_field_set_comes_back_equal() -> None:
    assert JOBS.read(row(JOBS.values(FULL), JOBS)) == FULL


def test_every_field_of_that_job_differs_from_its_default() -> None:
    blank = Job("", 0, "", "", "", JobStatus.CREATED, FULL.created_at, FULL.created_at, "")  # type: ignore[arg-type]
    same = {name for name in Job.__struct_fields__ if getattr(FULL, name) == getattr(blank, name)}
    # Empty text and zero are values, not absence; that they survive is the point.
    assert same == {"created_at"}
    assert (FULL.content, FULL.progress) == ("", 0)


def test_a_fresh_job_comes_back_equal_and_costs_no_json() -> None:
    fresh = replace(
        build.completed(FULL).job, params={}, messages={}, embeds=(), attachments=(), late=None
    )
    values = JOBS.values(fresh)
    assert [values[name] for name in ("params", "messages", "embeds", "attachments", "late")] == [
        None
    ] * 5
    assert JOBS.read(row(values, JOBS)) == fresh


@pytest.mark.parametrize(
    ("table", "kind", "extra"),
    [
        (JOBS, Job, {"result_message_id", "parent_jobid", "once"}),
        (rows.ACCOUNTS, Account, set()),
        (rows.USERS, User, set()),
        (rows.CALLBACKS, Callback, set()),
    ],
)
def test_every_field_has_a_column(table: Columns[Any], kind: type, extra: set[str]) -> None:
    names = kind.__match_args__  # type: ignore[attr-defined]
    assert table.names[: len(names)] == names
    assert set(table.names[len(names) :]) == extra


def test_the_result_message_is_the_one_with_that_role() -> None:
    assert JOBS.values(FULL)["result_message_id"] == "5"
    assert (
        JOBS.values(replace(FULL, messages={"4": MessageRole.PROGRESS}))["result_message_id"]
        is None
    )


@pytest.mark.parametrize("kind", get_args(JobEvent))
def test_every_kind_of_event_comes_back_equal(kind: type[JobEvent]) -> None:
    samples: dict[str, Any] = {
        "shown": SHOWN,
        "nonce": Nonce("1"),
        "deadline_at": build.later(0.25),
        "code": 502,
        "modal": FULL.modal,
    }
    given_ = {
        each.name: samples.get(each.name, "text" if "str" in str(each.type) else True)
        for each in fields(kind)
    }
    event = kind(**given_)
    values = rows.event_values(event)
    assert rows.event_of(str(values["kind"]), str(values["body"])) == event


def test_events_without_a_shown_message_stay_without() -> None:
    event = Failed(502, "e")
    values = rows.event_values(event)
    assert rows.event_of("Failed", str(values["body"])) == event


def test_an_event_of_no_known_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        rows.event_of("Imagined", "{}")


def test_sequences_come_back_as_tuples() -> None:
    for event in (Acknowledged(SHOWN, build.later()), Late(SHOWN, True)):
        values = rows.event_values(event)
        read = rows.event_of(str(values["kind"]), str(values["body"]))
        assert isinstance(read, Acknowledged | Late)
        assert type(read.shown.embeds) is tuple


def test_events_are_stored_under_their_own_words() -> None:
    values = rows.event_values(Submitted(Nonce("12"), build.later()))
    assert values["kind"] == "Submitted"
    assert '"nonce":"12"' in str(values["body"])


def test_only_a_press_that_is_made_once_is_unique_and_a_failed_one_is_not() -> None:
    press = replace(FULL, params={"parentJobId": "job:0", "button": "U1"}, ghost=False)
    keys = {
        status: JOBS.values(replace(press, status=status))["once"]
        for status in (JobStatus.CREATED, JobStatus.CANCELLED, JobStatus.FAILED)
    }
    assert keys == {
        JobStatus.CREATED: "job:0/U1",
        JobStatus.CANCELLED: "job:0/U1",
        JobStatus.FAILED: None,
    }
    assert rows.once_key(replace(press, ghost=True)) == "job:0/U1"
    assert rows.once_key(replace(press, params={"parentJobId": "job:0", "button": "V1"})) is None
    assert rows.once_key(FULL) is None
    assert JOBS.values(press)["parent_jobid"] == "job:0"


def test_users_accounts_callbacks_and_mails_come_back_equal() -> None:
    changes: UserChanges = {
        "email": "a@example.org",
        "token_hash": b"h",
        "name": "n",
        "reply_url": None,
        "expires_at": build.later(1),
        "updated_at": build.later(3),
    }
    fixed = {
        "user_id": 1,
        "created_at": micros(build.later()),
        "queue_weight": 1,
        "queue_priority": 3,
    }
    values = rows.user_changes(changes) | fixed
    assert (values["writes_reply_url"], values["writes_revoked_at"]) == (1, 0)
    user = User(1, created_at=build.later(), **changes)
    assert rows.user_of(row(values, rows.USERS)) == user
    account = build.account()
    trouble = Trouble(Cause(403, "50013", "…"), 3, build.later(8), timedelta(minutes=10))
    values = rows.SETUPS.values(build.setup(account)) | {
        "created_at": micros(account.created_at),
        "halt": "Discord rejected it",
        "halted_at": micros(build.later(8)),
        "halt_cause": "token",
        "reset_at": None,
        "removed_at": micros(build.later(9)),
        "jobs_a_day": None,
        "epoch": 4,
        "trouble": rows.ACCOUNTS.value("trouble", trouble),
    }
    assert rows.ACCOUNTS.read(row(values, rows.ACCOUNTS)) == replace(
        account,
        halt="Discord rejected it",
        halted_at=build.later(8),
        halt_cause=HaltCause.TOKEN,
        removed_at=build.later(9),
        epoch=4,
        trouble=trouble,
    )
    callback = replace(build.callback(FULL), attempts=2)
    assert rows.CALLBACKS.read(row(rows.CALLBACKS.values(callback), rows.CALLBACKS)) == callback
    mail = replace(build.mail(), attempts=2)
    assert rows.MAILS.read(row(rows.MAILS.values(mail), rows.MAILS)) == mail


def test_an_update_writes_no_column_that_acceptance_fixed() -> None:
    changes = rows.substitutions()["{job_changes}"]
    assert "status = :status" in changes
    assert not any(f"{name} = " in changes for name in ("user_id", "verb", "params", "created_at"))
