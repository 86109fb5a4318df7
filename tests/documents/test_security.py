"""SECURITY.md tells the bounds that the code has, and tests that hold them."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.documents.readme import ROOT
from tests.limits import BODY, BOUNDS, FETCH, SERVICE
from waystation.api import search as search_path
from waystation.api.body import MAX_FORM_FIELDS, MAX_FORM_FILES
from waystation.api.deliveries import MOST_LISTED
from waystation.api.fields.pictures import MAX_PICTURE_URL
from waystation.api.fields.values import MAX_REFERENCE
from waystation.api.forms import KNOWN_FORMS
from waystation.api.media.paths import SIGNED_AT_ONCE, ZIP_JOBS, ZIPS_AT_ONCE
from waystation.api.prefer import WAITERS
from waystation.api.protocol import QUEUED, UNASKED_BYTES
from waystation.api.sentences import SENTENCES
from waystation.api.streams.stream import STREAMS
from waystation.api.v2 import AT_ONCE, MOST_KEY
from waystation.app.limits import FILES_PER_FETCH
from waystation.callbacks import ATTEMPT_AFTER_S
from waystation.discord import identifying
from waystation.discord.inflate import MAX_MESSAGE_BYTES
from waystation.engine import accounts, deliveries, intake, tokens
from waystation.engine.account.turns import lane
from waystation.engine.account.uploading import UPLOADS
from waystation.engine.choice import jobs_a_minute
from waystation.engine.intake import PATIENCE_S
from waystation.engine.links import KEPT_LINKS, RENEWALS
from waystation.engine.logins import FAILURES
from waystation.engine.media.copying import IN_FLIGHT
from waystation.engine.media.downloads import HELD_AT_ONCE
from waystation.engine.media.serving import CUT_BYTES
from waystation.engine.nodes.elsewhere import UNDER_WAY
from waystation.engine.outbox import callbacks
from waystation.engine.queueing.waiting import cancels_an_hour
from waystation.engine.throttle import Throttle
from waystation.failings import FAILING_SPAN
from waystation.interim import MAX_INTERIM
from waystation.logs import MAX_LINES
from waystation.midjourney.commands import COMMANDS, MAX_JOBS
from waystation.outbound.callbacks import MAX_ANSWER_BYTES
from waystation.outbound.connector import MAX_LOOKUPS
from waystation.outbound.cutting import MOST_PIXELS
from waystation.outbound.fetch import MAX_REDIRECTS, THREADS
from waystation.outbound.kept import KEPT_S, MAX_KEPT
from waystation.settings import Settings
from waystation.shelf.folder import THREADS as SHELF_THREADS
from waystation.store.sqlite.database import KEPT_PAGES_KIB
from waystation.store.sqlite.glance import KNOWN_JOBS, KNOWN_USERS
from waystation.store.transactions import audit, search
from waystation.store.transactions.accounts import KEPT_FORMER_ACCOUNTS
from waystation.store.transactions.commit import KEPT_SEEN, KEPT_UNRECOGNISED, SEEN_AGE
from waystation.store.transactions.keys import KEY_LIFE
from waystation.store.transactions.outbox import KEPT_ATTEMPTS
from waystation.store.transactions.receivers import KEPT_RECEIVERS
from waystation.tracing.otlp import QUEUED as SPANS

_MIB = 1 << 20
_SETTINGS = Settings()

_LANE = lane(_SETTINGS.first_answer_s, _SETTINGS.pacing_s)
_PAUSE_S = _SETTINGS.pacing_s - _SETTINGS.pacing_jitter_s
_FETCHED = SERVICE.fetched_bytes

_A_MINUTE = jobs_a_minute(_LANE, _SETTINGS.pacing_s) or 0
_KEPT_JOBS = _A_MINUTE * 60 * 24 * _SETTINGS.job_retention_days
_CANCELLED_JOBS = cancels_an_hour(_SETTINGS.queue_per_user) * 24 * _SETTINGS.job_retention_days

_NUMBERS = {
    "requests under way": AT_ONCE,
    "requests that wait for the end of a job": WAITERS,
    "jobs of a page of a search": search_path.PAGE,
    "characters of a text that is looked for": search_path.LONGEST_TEXT,
    "jobs that a page of a search looks at, unless its text is rare": search._WINDOW
    * search._WINDOWS,
    "streams of events": STREAMS,
    "failed logins in a minute": FAILURES,
    "commands that wait for another node": UNDER_WAY,
    "addresses whose failed logins are remembered": Throttle(timedelta(), 1).keys,
    "characters of an `Idempotency-Key`": MOST_KEY,
    "hours that such a key is kept with its job": KEY_LIFE / timedelta(hours=1),
    "MiB of one job's pictures": intake.MOST_BYTES / _MIB,
    "MiB of pictures in the database that wait to be sent, by default": (
        _SETTINGS.input_bytes_per_user / _MIB
    ),
    "jobs that wait in the queue, by default": _SETTINGS.queue_per_user,
    "waiting jobs cancelled in an hour, by default": cancels_an_hour(_SETTINGS.queue_per_user),
    "hours that a job waits in the queue, by default": _SETTINGS.queue_hours,
    "MiB of JSON, by default": _SETTINGS.json_limit_bytes / _MIB,
    "MiB of a form, by default": _SETTINGS.form_limit_bytes / _MIB,
    "files of a form": MAX_FORM_FILES,
    "MiB of fetched pictures until the answer, all users, by default": _FETCHED[1] / _MIB,
    "MiB of a picture, by default": _SETTINGS.fetch_limit_bytes / _MIB,
    "pixels of a picture, by default": _SETTINGS.fetch_limit_pixels,
    "pixels of a mask, which is decoded": FETCH.max_mask_pixels,
    "masks kept until the form of their press is answered or the job ends: one for each slot": (
        MAX_JOBS
    ),
    "threads that look at pictures": THREADS,
    "callbacks held in memory": callbacks.HELD_PER_USER,
    "attempts of a callback": len(ATTEMPT_AFTER_S),
    "files that are copied at once": IN_FLIGHT,
    "threads that read and write copies": SHELF_THREADS,
    "GiB of copies of files, by default": _SETTINGS.media_gib,
    "files of jobs read at once, by default": _SETTINGS.fetches_per_user,
    "files of jobs read at once by signed links of a user, by default": _SETTINGS.fetches_per_user,
    "files of jobs read at once, all users, by default": FILES_PER_FETCH * _SETTINGS.fetches,
    "requests with signed links under way": SIGNED_AT_ONCE,
    "jobs whose files are downloaded by one request": ZIP_JOBS,
    "ZIP files that are read at once": ZIPS_AT_ONCE,
    "MiB of downloaded files held at once": CUT_BYTES / _MIB,
    "MiB of downloaded files held at once, all users": HELD_AT_ONCE * CUT_BYTES / _MIB,
    "MiB of a file that is cut": CUT_BYTES / _MIB,
    "pixels of a picture that is cut": MOST_PIXELS,
    "signing secrets that sign at once": deliveries.SIGNING_AT_ONCE,
    "callbacks of a page": MOST_LISTED,
    "callbacks asked for again in an hour": deliveries.REDELIVERIES,
    "replays in an hour": deliveries.REPLAYS,
    "callbacks of one replay": deliveries.REPLAYED,
    "pings in an hour": deliveries.PINGS,
    "attempts kept": KEPT_ATTEMPTS,
    "failing receivers remembered": KEPT_RECEIVERS,
    "MiB of a gateway message, inflated": MAX_MESSAGE_BYTES / _MIB,
    "Discord accounts": accounts.MAX_ACCOUNTS,
    "removed accounts remembered": KEPT_FORMER_ACCOUNTS,
    "tokens that Discord is asked about in an hour": tokens.TOKENS,
    "rejected tokens in an hour": tokens.REJECTED_TOKENS,
    "minutes in which failed jobs are counted for the draw": FAILING_SPAN / timedelta(minutes=1),
    "resets in an hour": accounts.RESETS,
    "entries of the audit that a user makes in 24 hours": audit.CHANGES,
    "hours in which a repeated change is one entry": audit.REPEATED_WITHIN / timedelta(hours=1),
    "days that an entry of the audit is kept": audit.AUDIT_AGE / timedelta(days=1),
    "IDENTIFYs in 24 hours": identifying.MOST_A_DAY,
    "jobs without a slot that wait, by default": _LANE,
    "jobs taken in a minute, by default": _A_MINUTE,
    "jobs kept, by default": _KEPT_JOBS,
    "interactions in a minute, cancels too, by default": 60 / _PAUSE_S,
    "renewals of links in a minute": RENEWALS,
    "links remembered": KEPT_LINKS,
    "forms of jobs remembered": KNOWN_FORMS,
    "bot messages kept that nobody understood": KEPT_UNRECOGNISED,
    "rows of what decides whose a picture is": KEPT_SEEN,
    "hours that such a row is kept": SEEN_AGE / timedelta(hours=1),
    "days that jobs, their callbacks and mails are kept, by default": _SETTINGS.job_retention_days,
    "lines of one event in a minute": MAX_LINES,
    "spans that wait to be sent to a collector": SPANS,
    "connections, a reverse proxy's not counted": BOUNDS.connections_of_address,
    "connections": BOUNDS.connections,
    "requests that wait behind the running one": QUEUED,
    "headers": BOUNDS.headers,
    "bytes of a head or of trailers": BOUNDS.head_bytes,
    "bytes read before anybody asks for them": UNASKED_BYTES,
    "seconds that a head may take, by default": _SETTINGS.head_timeout_s,
    "seconds that a body may take, by default": _SETTINGS.body_timeout_s,
    "text fields of a form": MAX_FORM_FIELDS,
    "characters of a prompt": COMMANDS["imagine"].params[0].longest,
    "characters of a picture's URL": MAX_PICTURE_URL,
    "characters of replyUrl and of replyRef": MAX_REFERENCE,
    "seconds that a request waits for such a place and for room for its pictures": PATIENCE_S,
    "seconds that a picture may take to come, by default": _SETTINGS.fetch_timeout_s,
    "redirects of a picture": MAX_REDIRECTS,
    "seconds that a callback may take, by default": _SETTINGS.callback_timeout_s,
    "bytes that are read of a receiver's answer": MAX_ANSWER_BYTES,
    "uploads under way": UPLOADS,
    "KiB of database pages kept in memory": KEPT_PAGES_KIB,
    "jobs kept decoded": KNOWN_JOBS,
    "users whose accounts are kept decoded": KNOWN_USERS,
    "asks without an end that are remembered, by default": 60
    / _PAUSE_S
    * _SETTINGS.ghost_life_s
    / 60,
    "seconds that an answer is left unread": BOUNDS.unread_s,
    "MiB of bodies above 64 KiB": BODY.share_bytes / _MIB,
    "MiB of bodies above 64 KiB, all users": BODY.bytes_in_all / _MIB,
    "bodies that wait to be read": BODY.waiting,
    "pictures fetched or looked at, by default": _SETTINGS.fetches_per_user,
    "pictures fetched or looked at, all users, by default": _SETTINGS.fetches,
    "requests with several URLs of pictures that are fetched at once": intake.SEVERAL,
    "MiB of fetched pictures until the answer, by default": _FETCHED[0] / _MIB,
    "callbacks under way": callbacks.PER_USER,
    "callbacks under way, all users": callbacks.IN_FLIGHT,
    "callbacks under way to one receiver": callbacks.PER_RECEIVER,
    "threads that look up names": MAX_LOOKUPS,
    "interim answers of a host": MAX_INTERIM,
    "idle connections to hosts of pictures": MAX_KEPT,
    "seconds that such a connection is kept": KEPT_S,
}

ANSWERS = {
    ("authenticates", "failed logins"): 429,
    ("authenticates", "under way"): 429,
    ("waits for the end", "wait for the end"): 429,
    ("streams", "streams of this user"): 429,
    ("reads a body", "too large"): 413,
    ("reads a body", "large requests"): 429,
    ("reads a body", "valid form"): 400,
    ("looks at pictures", "with pictures"): 429,
    ("looks at pictures", "bytes"): 412,
    ("looks at pictures", "pixels"): 412,
    ("submits", "within a minute"): 429,
    ("submits", "were cancelled"): 429,
    ("takes a lane", "a slot may wait"): 429,
    ("sets an account up", "accounts supported"): 400,
    ("sets an account up", "tokens of this user"): 429,
    ("changes", "has made"): 429,
    ("resets", "was reset"): 429,
}
"""Act and words of the sentence beyond a bound → its status, of a picture `describe`'s."""

ROW = re.compile(
    r"^\| ([^|]+) \| (\d+) \| [a-z]+ \| (?:all|each) \| `(tests/\S+\.py)::(\w+)` \|$", re.M
)


def _text() -> str:
    return (ROOT / "SECURITY.md").read_text("utf-8")


def test_a_posted_token_of_another_user_is_named() -> None:
    """Held by tests/e2e/test_isolation.py, where another user posts a token that is set up."""
    page = " ".join((ROOT / "SECURITY.md").read_text(encoding="utf-8").split())
    assert "a Discord token that another user has set up is told that its channel" in page


def test_every_bound_of_the_table_is_that_of_the_code_and_held_by_a_test() -> None:
    rows = ROW.findall(_text())
    assert {held: int(bound) for held, bound, _, _ in rows} == _NUMBERS
    for _, _, path, name in rows:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.M), name


def test_the_statuses_beyond_a_bound_are_those_that_the_sentences_have() -> None:
    describe = COMMANDS["describe"].bad_input_status
    told = {
        (does, words): [row.status or describe for row in SENTENCES[does] if words in row.text]
        for does, words in ANSWERS
    }
    assert told == {which: [status] for which, status in ANSWERS.items()}
    said = re.search(r"^Beyond a bound a request.*?(?=\n\n)", _text(), re.M | re.S)
    assert said is not None
    assert {int(code) for code in re.findall(r"\b4\d\d\b", said[0])} == set(ANSWERS.values())


def test_nothing_else_bounds_the_jobs_that_are_kept() -> None:
    assert f"{_KEPT_JOBS:.0f} jobs at the defaults" in " ".join(_text().split())
    assert f"{_CANCELLED_JOBS:.0f} jobs of a user that were cancelled" in " ".join(_text().split())
    assert jobs_a_minute(_LANE, 0) is None
    assert {
        name for name in Settings.__dataclass_fields__ if "retention" in name or "kept" in name
    } == {"job_retention_days"}
