"""The invariants of the rules, read from the database, the answers and the simulator's own records.

Each check is a function from what is known to the sentences of what is wrong. The install fixture
calls them all after every end-to-end test, once the service has stopped. Not readable from outside,
and so proved elsewhere: I6, I11.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from tests.e2e.records import Row
from waystation import sentences
from waystation.app import open_state
from waystation.engine.account.commits import MAIL_SUBJECT
from waystation.gateway_events import SessionState
from waystation.midjourney.answers import edit_of
from waystation.midjourney.commands import COMMANDS

if TYPE_CHECKING:
    from tests.e2e.conftest import Answered, Installation

__all__ = ["QUEUED", "Evidence", "check_invariants", "evidence", "no_task_is_left"]

FINAL = frozenset({"completed", "moderated", "failed", "cancelled"})
ENDS = frozenset({"Completed", "Moderated", "Failed", "Refused", "Lost", "Expired", "Cancelled"})
BINDS = ENDS | {"InteractionSeen", "Acknowledged", "Progressed"}
AFTER_THE_END = frozenset({"Late", "SlotReleased"})
MICROS = 1_000_000
QUEUED = "Job queued"
"""The error of a job that the bot starts later: it has ended, and waits for its late result."""
JUDGED_TOGETHER_S = 0.25
"""A result this close to a verdict may be on its way while the verdict is written."""


@dataclass(frozen=True)
class Evidence:
    """All that is known after a run."""

    jobs: Sequence[Row]
    events: Mapping[str, Sequence[Row]]
    owed: Sequence[Row]
    accounts: Sequence[Row]
    mails: Sequence[Row]
    answers: Sequence[Answered]
    callbacks: Sequence[bytes]
    log: Sequence[Row]
    book: Sequence[Row]
    sessions: Mapping[str, tuple[SessionState, int | None]]
    """account_id → saved session and the last number that the simulator gave out under it."""
    stored: bytes
    """The database's files, end to end."""
    secrets: Sequence[str]
    shared: Mapping[str, Sequence[int]] = field(default_factory=lambda: defaultdict(list))
    """channel → users with whom its account was shared at any time."""
    inputs: Sequence[Row] = ()
    """Rows that are kept to ask jobs that were not asked yet."""
    readable: frozenset[str] = frozenset()
    """The bot's messages that stand in the history of their channels."""
    needless_at_most: int = 0
    """Jobs that may end as not told apart although the book names no twin."""

    @cached_property
    def owner_of_nonce(self) -> Mapping[str, Row]:
        """nonce → the job it was committed for."""
        by_id = {job["jobid"]: job for job in self.jobs}
        return {
            event["body"]["nonce"]: by_id[jobid]
            for jobid, events in self.events.items()
            for event in events
            if event["kind"] == "Submitted"
        }

    @cached_property
    def put_back(self) -> frozenset[str]:
        """The nonces of asks after which their job waited in the queue again."""
        found: set[str] = set()
        for events in self.events.values():
            asked = ""
            for event in events:
                if event["kind"] == "Submitted":
                    asked = event["body"]["nonce"]
                elif event["kind"] == "PutBack" and asked:
                    found.add(asked)
        return frozenset(found)

    @cached_property
    def cancel_nonces(self) -> frozenset[str]:
        """The nonces that were committed for presses of Cancel Job."""
        return frozenset(
            event["body"]["nonce"]
            for events in self.events.values()
            for event in events
            if event["kind"] == "CancelRequested" and event["body"]["nonce"]
        )

    @cached_property
    def sent(self) -> Sequence[str]:
        """The nonces of all interactions that reached the simulator, in order."""
        return [
            str((entry.get("body") or {}).get("nonce"))
            for entry in self.log
            if entry["kind"] == "request" and entry["path"].endswith("/interactions")
        ]

    @cached_property
    def own_pages(self) -> Sequence[tuple[Row, Row]]:
        """Each of the service's jobs with the page of the book that the bot wrote for it."""
        return [
            (self.owner_of_nonce[page["nonce"]], page)
            for page in self.book
            if page["nonce"] in self.owner_of_nonce and not page["by_hand"]
        ]

    @cached_property
    def page_of_message(self) -> Mapping[str, Row]:
        """message id → page of the book."""
        return {one: page for page in self.book for one in page["message_ids"]}


PASSES = BINDS | {"Silent", "Reacted", "PutBack", "Unsent"}
"""Events after which another job may be asked (R15); an answered reaction shows no more."""


Check = Callable[[Evidence], Iterable[str]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


@check
def i1_a_result_belongs_to_one_job_of_its_account(seen: Evidence) -> Iterator[str]:
    results = Counter(one for job in seen.jobs for one in _messages(job, "result"))
    hashes = Counter(job["hash"] for job in seen.jobs if job["hash"])
    for what, count in (results | hashes).items():
        if count > 1:
            yield f"{what} is the result of {count} jobs"


@check
def i2_one_ask_in_flight_per_channel(seen: Evidence) -> Iterator[str]:
    spans: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for job in seen.jobs:
        events = seen.events.get(job["jobid"], ())
        begin = next((event for event in events if event["kind"] == "Submitted"), None)
        if begin is not None:
            end = next((event["at"] for event in events if event["kind"] in PASSES), 2**62)
            spans[job["channel"]].append((begin["at"], end, job["jobid"]))
    for channel, found in spans.items():
        for (_, ended, first), (began, _, second) in itertools.pairwise(sorted(found)):
            if began < ended:
                yield f"{first} and {second} were in flight at once in {channel}"


@check
def i3_a_job_runs_on_an_account_of_its_user(seen: Evidence) -> Iterator[str]:
    owners = {account["account_id"]: account["user_id"] for account in seen.accounts}
    for job in seen.jobs:
        may = {owners.get(job["account_id"], job["user_id"]), *seen.shared[job["channel"]]}
        if job["user_id"] not in may:
            yield f"{job['jobid']} runs on an account of user {owners[job['account_id']]}"


@check
def i4_each_nonce_is_committed_and_sent_once(seen: Evidence) -> Iterator[str]:
    for nonce, count in Counter(seen.sent).items():
        if count > 1:
            yield f"nonce {nonce} was sent {count} times"
        if nonce not in seen.owner_of_nonce and nonce not in seen.cancel_nonces:
            yield f"nonce {nonce} was sent and never committed"
    known = {job["jobid"] for job in seen.jobs}
    for answered in seen.answers:
        if isinstance(answered.body, dict) and answered.body.get("jobid", "").startswith("job:"):
            jobid = answered.body["jobid"]
            if jobid not in known and answered.status != 404:
                yield f"{jobid} was answered and is not stored"


@check
def inputs_are_kept_until_their_job_was_asked(seen: Evidence) -> Iterator[str]:
    kept = {row["jobid"] for row in seen.inputs}
    for job in seen.jobs:
        params = json.loads(job["params"] or "{}")
        # a mask waits for its form; a job of the queue may be refused, and is sent again (R13); a
        # nonce alone does not say that its request has left
        asked = job["interaction_id"] or job["message_id"] or job["unclear"]
        if params.get("button") == "Vary (Region)" or job["queue_until"]:
            asked = False
        if job["jobid"] in kept and (job["status"] in FINAL or asked):
            yield f"{job['jobid']} is {job['status']} and its inputs are still there"
        needs = COMMANDS[job["verb"]].needs_inputs
        if job["status"] == "created" and needs and job["jobid"] not in kept:
            yield f"{job['jobid']} waits and its inputs are gone"


@check
def i5_the_saved_sequence_was_given_out(seen: Evidence) -> Iterator[str]:
    for account_id, (session, given_out) in seen.sessions.items():
        if given_out is not None and session.sequence > given_out:
            yield f"{account_id} saved sequence {session.sequence} of {given_out}"


def _waits(job: Row) -> bool:
    """Tell whether a job waits in the queue, where no account has it."""
    return job["status"] == "created" and not job["account_id"] and bool(job["queue_until"])


@check
def i7_a_live_job_has_an_account(seen: Evidence) -> Iterator[str]:
    accounts = {account["account_id"] for account in seen.accounts}
    for job in seen.jobs:
        lives = job["status"] not in FINAL and not _waits(job)
        if lives and job["account_id"] not in accounts:
            yield f"{job['jobid']} lives without an account"


@check
def i8_slots_are_rows_and_end_once(seen: Evidence) -> Iterator[str]:
    for job in seen.jobs:
        final = job["status"] in FINAL
        holds = COMMANDS[job["verb"]].takes_slot and not _waits(job)
        if not final and bool(job["slot"]) is not holds:
            yield f"{job['jobid']} is {job['status']} with slot={job['slot']}"
        if final and job["slot"] and not (job["ghost"] and job["slot_until"]):
            yield f"{job['jobid']} is over and keeps its slot for ever"
        released = [e for e in seen.events.get(job["jobid"], ()) if e["kind"] == "SlotReleased"]
        if len(released) > 1:
            yield f"{job['jobid']} gave its slot back {len(released)} times"


@check
def i9_final_is_final(seen: Evidence) -> Iterator[str]:
    for job in seen.jobs:
        kinds = [event["kind"] for event in seen.events.get(job["jobid"], ())]
        ends = [kind for kind in kinds if kind in ENDS]
        if job["status"] in FINAL:
            after = kinds[kinds.index(ends[-1]) + 1 :] if ends else kinds
            if not ends or set(after) - AFTER_THE_END:
                yield f"{job['jobid']} is {job['status']} after {kinds}"
        if job["version"] != len(kinds):
            yield f"{job['jobid']} has version {job['version']} and {len(kinds)} events"


@check
def i9_one_callback_per_final_job_and_url(seen: Evidence) -> Iterator[str]:
    owed = Counter((row["jobid"], row["url"]) for row in seen.owed if row["is_final"])
    for job in seen.jobs:
        # R4: while the POST waits, a 429 of Discord's or the bot's is told by it alone
        by_post = job["code"] == 429 and (job["post_until"] or 0) >= (job["finished_at"] or 0)
        due = job["status"] in FINAL and job["reply_url"] and not by_post
        found = sum(count for (jobid, _), count in owed.items() if jobid == job["jobid"])
        if found != bool(due):
            yield f"{job['jobid']} ({job['status']} {job['code']}) has {found} callbacks"


@check
def i10_what_was_called_final_stays_so(seen: Evidence) -> Iterator[str]:
    stored = {job["jobid"]: (job["status"], job["code"]) for job in seen.jobs}
    told = [answered.body for answered in seen.answers if not _is_cancel(answered)]
    told += [json.loads(raw) for raw in seen.callbacks]
    for body in told:
        if not isinstance(body, dict) or body.get("status") not in FINAL:
            continue
        if body.get("verb") == "ping":
            continue
        if stored.get(body["jobid"]) != (body["status"], body["code"]):
            yield f"{body['jobid']} was called {body['status']} {body['code']}, " + (
                f"is {stored.get(body['jobid'])}"
            )


@check
def i12_a_halt_writes_one_mail(seen: Evidence) -> Iterator[str]:
    for account in seen.accounts:
        of_halts = [mail for mail in seen.mails if mail["subject"] == MAIL_SUBJECT]
        mails = [mail for mail in of_halts if account["channel"] in mail["body"]]
        if account["halt"] is not None:
            since = account["reset_at"] or 0
            if sum(mail["created_at"] >= since for mail in mails) != 1:
                yield f"{account['channel']} is halted with {len(mails)} mails"
        elif mails and account["reset_at"] is None:
            yield f"{account['channel']} was never halted and has {len(mails)} mails"


@check
def i14_no_secret_is_stored_in_the_open(seen: Evidence) -> Iterator[str]:
    for number, secret in enumerate(seen.secrets):
        if secret.encode() in seen.stored:
            yield f"secret number {number} stands in the database"


@check
def nothing_is_doubled(seen: Evidence) -> Iterator[str]:
    # what only opened something has made nothing; its answer is a page of its own
    asked = Counter(
        job["jobid"]
        for job, page in seen.own_pages
        if not (_only_opens(job, page) or _is_put_back(page, seen))
    )
    for jobid, count in asked.items():
        if count > 1:
            yield f"{jobid} was executed {count} times"


def _is_put_back(page: Row, seen: Evidence) -> bool:
    """Tell whether an ask was refused for the moment, so that its job is asked again (R13)."""
    return page["nonce"] in seen.put_back and page["status"] != "completed"


def _only_opens(job: Row, page: Row) -> bool:
    settings_first = page["verb"] == "settings" and "option" in (job["params"] or {})
    return page["status"] == "opened" or settings_first


@check
def nothing_is_swapped(seen: Evidence) -> Iterator[str]:
    own = defaultdict(set)
    for job, page in seen.own_pages:
        own[job["jobid"]].add(page["interaction_id"])
    for job in seen.jobs:
        if COMMANDS[job["verb"]].reaction is not None:
            # a reaction has no nonce: only the uuid in the answer tells whose seed it is
            if job["status"] == "completed" and job["source_hash"] not in job["content"]:
                yield f"{job['jobid']} tells the seed of another"
            continue
        shown = {one for one in (job["message_id"],) if one}
        shown |= set(_messages(job, "progress")) | set(_messages(job, "result"))
        if job["late"]:
            shown.add(job["late"]["message_id"])
        edited = shown & set(_messages(job, "target"))
        if edited and job["embeds"]:
            # its answer is an edit of the message that was pressed: only the words tell whose
            yield from _foreign_words(job, seen)
        for one in shown - edited:
            its = seen.page_of_message.get(one)
            if its is None or its["interaction_id"] not in own[job["jobid"]]:
                yield f"{job['jobid']} shows message {one} of another"
        if job["status"] == "completed" and job["verb"] == "describe":
            yield from _foreign_prompts(job, seen)


def _foreign_words(job: Row, seen: Evidence) -> Iterator[str]:
    said = "".join(embed.get("description") or "" for embed in job["embeds"])
    own = [page for owner, page in seen.own_pages if owner["jobid"] == job["jobid"]]
    if any(prompt not in said for page in own for prompt in page["prompts"] or ()):
        yield f"{job['jobid']} carries words that are not its own"


def _foreign_prompts(job: Row, seen: Evidence) -> Iterator[str]:
    page = seen.page_of_message.get(job["message_id"])
    said = job["embeds"][0]["description"]
    if page is not None and any(prompt not in said for prompt in page["prompts"]):
        yield f"{job['jobid']} carries prompts that are not its own"


@check
def nothing_is_lost(seen: Evidence) -> Iterator[str]:
    needless = seen.needless_at_most
    for job, page in seen.own_pages:
        if page["status"] != "completed" or not COMMANDS[job["verb"]].reply_in_history:
            continue
        if job["status"] == "completed" or job["status"] == "cancelled":
            continue
        if edit_of(job["pressed"]) is not None:
            # history shows the message as it is, not which press made it so (R29)
            continue
        has_twin = page["indistinguishable_from"] or _has_silent_twin(job, seen)
        if (
            (has_twin or _is_beside_a_ghost(job, seen))
            and job["error"] in (sentences.NOT_TOLD_APART.text, QUEUED)
            and job["late"] is None
        ):
            # R20: nothing was ever sent that tells whose it is, in time or late
            continue
        if job["error"] == QUEUED and job["late"] is not None:
            # by contract (R6): the bot's word came first, however late it was heard
            continue
        judged_at_s = (job["finished_at"] or 2**62) / MICROS
        if page["final_at_s"] + JUDGED_TOGETHER_S < judged_at_s:
            if job["error"] == sentences.NOT_TOLD_APART.text and needless > 0:
                needless -= 1
                continue
            end = f"{job['status']}, {job['error']!r}"
            yield f"{job['jobid']} ended {end}, although the bot had finished it before"


def _has_silent_twin(job: Row, seen: Evidence) -> bool:
    """Tell whether an earlier look-alike drew nothing, and nobody can know that it did not.

    Its nonce was committed, and it was not sent; or the refusal was told to a process that died or
    to a session that was lost, and stands in no history. So that ask may own a picture that names
    nobody (R19, R29). A job that has shown its uuid has no such twin.
    """
    pages = {page["nonce"]: page for page in seen.book}
    return job["hash"] is None and any(
        _look(other) == _look(job)
        and other["created_at"] <= job["finished_at"]
        and _has_heard_nothing(nonce, seen.events[other["jobid"]])
        and _drew_nothing(pages.get(nonce), seen)
        for nonce, other in seen.owner_of_nonce.items()
        if other["jobid"] != job["jobid"]
    )


def _is_beside_a_ghost(job: Row, seen: Evidence) -> bool:
    """Tell whether an earlier look-alike ended without its picture, which may be this one (ADR 34).

    The picture of that one stood under words of which nothing tells whose they are. The book knows
    whose it was, and names no twin.
    """
    return job["hash"] is None and any(
        _look(other) == _look(job)
        and other["ghost"]
        and (other["hash"], other["late"]) == (None, None)
        and (other["submitted_at"] or 0) < (job["submitted_at"] or 0)
        for other in seen.jobs
        if other["jobid"] != job["jobid"]
    )


_ANSWERS = frozenset({"Acknowledged", "Progressed", "Completed", "Moderated", "Refused", "PutBack"})


def _has_heard_nothing(nonce: str, events: Sequence[Row]) -> bool:
    """Tell whether an ask was never answered, by Discord or by the bot, as its job knows."""
    asked = ""
    for event in events:
        if event["kind"] == "Submitted":
            asked = event["body"]["nonce"]
        elif asked == nonce and (event["kind"] in _ANSWERS or event["body"].get("matched_by")):
            return False
    return True


def _drew_nothing(page: Row | None, seen: Evidence) -> bool:
    """Tell whether an ask was not executed, or was refused in words that no history has."""
    if page is None:
        return True
    ended = page["status"] not in ("completed", "running")
    return ended and seen.readable.isdisjoint(page["message_ids"])


def _look(job: Row) -> tuple[Any, ...]:
    params = json.loads(job["params"] or "{}")
    return job["channel"], job["verb"], params.get("prompt"), job["parent_jobid"], job["pressed"]


async def check_invariants(installation: Installation) -> None:
    """Fail with all that is wrong after a run. Call it when the service has stopped."""
    seen = await evidence(installation)
    wrong = [f"{one.__name__}: {text}" for one in CHECKS for text in one(seen)]
    assert not wrong, "\n".join(wrong)


async def no_task_is_left(before: set[asyncio.Task[Any]]) -> None:
    """Fail when a task outlives its owner. Streams that are just closing get a moment."""
    left: set[asyncio.Task[Any]] = set()
    for _ in range(50):
        left = asyncio.all_tasks() - before - {_current()}
        if not left:
            return
        await asyncio.wait(left, timeout=0.02)
    assert not left, f"these outlived the run: {left}"


def _current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def evidence(here: Installation) -> Evidence:
    sessions = await _sessions(here)
    shared: defaultdict[str, list[int]] = defaultdict(list)
    with here.records() as records:
        events: dict[str, list[Row]] = defaultdict(list)
        for event in records.events():
            events[event["jobid"]].append(event)
        rows = (records.jobs(), records.callbacks(), records.accounts(), records.mails())
        inputs = records.rows("select jobid from job_inputs where jobid is not null")
        for row in records.rows("select * from audit where action = 'account shared'"):
            shared[row["channel"]].append(int(row["details"].rpartition(":")[2]))
        stored = records.stored()
    jobs, owed, accounts, mails = rows
    book = here.sim.book
    return Evidence(
        jobs=jobs,
        events=events,
        owed=owed,
        accounts=accounts,
        mails=mails,
        answers=here.answers,
        callbacks=here.outside.raw_callbacks,
        log=here.sim.log,
        book=book,
        sessions=sessions,
        stored=stored,
        secrets=[*here.tokens, *(account.token for account in here.sim.accounts)],
        inputs=inputs,
        shared=shared,
        needless_at_most=getattr(here, "needless_at_most", 0),
        readable=frozenset(
            one
            for page in book
            for one in page["message_ids"]
            if here.sim.messages.get(page["channel_id"], one) is not None
        ),
    )


async def _sessions(here: Installation) -> dict[str, tuple[SessionState, int | None]]:
    found = {}
    async with open_state(here.settings) as state:
        for account in await state.store.list_accounts():
            sealed = await state.store.load_session(account.account_id)
            if sealed is None:
                continue
            opened = state.vault.unseal("gateway_sessions", account.account_id, sealed)
            session = msgspec.json.decode(opened, type=SessionState)
            live = here.sim.sessions.find(session.session_id)
            found[account.account_id] = (session, None if live is None else live.seq)
    return found


def _messages(job: Row, role: str) -> Sequence[str]:
    return [one for one, known in (job["messages"] or {}).items() if known == role]


def _is_cancel(answered: Answered) -> bool:
    """A cancel's `code` is that of the call, not of the job (R26)."""
    return "/cancel" in answered.path
