"""The paths of API v2, and what its job paths do.

Rules: a handler is parse → one call of the service → render. `POST /v2/jobs/{verb}` comes from
COMMANDS; a verb needs no edit here.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from structlog.contextvars import bind_contextvars

from waystation import sentences
from waystation.api.accounts import Accounts
from waystation.api.answer import Answer, json_answer, quota_headers
from waystation.api.body import Body
from waystation.api.call import Call
from waystation.api.deliveries import Deliveries
from waystation.api.fields.job import job_request
from waystation.api.forms import Forms
from waystation.api.media.paths import MediaCalls
from waystation.api.places import Places
from waystation.api.prefer import applied, preferred_wait_s, waits
from waystation.api.resource import Handler, Path, UserHandler
from waystation.api.search import Search
from waystation.api.streams.feed import FeedEvents
from waystation.api.streams.job import JobEvents
from waystation.api.streams.stream import streams
from waystation.api.tracing import traced
from waystation.contract import answer, cancel_json, job_json, waited
from waystation.engine.logins import Logins
from waystation.engine.media.downloads import Downloads
from waystation.engine.request import JobRequest
from waystation.engine.service import Service
from waystation.errors import InvalidRequest
from waystation.jobs import Job
from waystation.midjourney.commands import COMMANDS, AnswersAt, Command
from waystation.ports import Traces, User
from waystation.queueing.place import QueuePlace

__all__ = ["AT_ONCE", "MOST_KEY", "v2_paths"]

AT_ONCE: Final = 256
"""Requests of one user that are under way; more than any account's slots and lanes can answer."""

BodyHandler = Callable[[Call, User, Body], Awaitable[Answer]]


def v2_paths(
    service: Service, forms: Forms, traces: Traces, public_url: str = ""
) -> Sequence[Path]:
    """Return v2's rows of the route table, the one that is polled first.

    `/v2/jobs` and `/v2/jobs/` differ (a list, and one job); all others also answer with a slash at
    their end.
    """
    jobs, accounts, deliveries = _Jobs(service, forms), Accounts(service), Deliveries(service)
    search, open_streams, logins = Search(service), streams(), service.logins
    media = MediaCalls(service.media, Downloads(service.media), public_url)

    def reads(handler: BodyHandler) -> UserHandler:
        return _with_body(logins, handler)

    under_way = Places("requests", AT_ONCE, sentences.TOO_MANY_AT_ONCE, retry_after_s=1)

    def path(template: str, *, head: bool = True, **methods: UserHandler) -> Path:
        guarded = {name: _guarded(logins, under_way, each) for name, each in methods.items()}
        return Path(template, guarded, head)

    return (
        path("/v2/jobs/", GET=jobs.read),
        path("/v2/jobs", GET=jobs.list_or_read),
        *_with_slash(
            *(
                path(f"/v2/jobs/{verb}", POST=traced(traces, verb, reads(jobs.submit(row))))
                for verb, row in COMMANDS.items()
            ),
            path("/v2/jobs/search", GET=search.find),
            path("/v2/jobs/cancel", GET=jobs.cancel, head=False),
            path("/v2/jobs/{jobid}/events", GET=JobEvents(service, open_streams).read, head=False),
            path("/v2/jobs/{jobid}", GET=jobs.read, DELETE=jobs.cancel),
            _own_record(logins, under_way, accounts, reads(accounts.change_user)),
            path("/v2/account/midjourney", GET=accounts.list_all, POST=reads(accounts.add)),
            path(
                "/v2/account/midjourney/{channel}",
                GET=accounts.read,
                POST=reads(accounts.put),
                DELETE=accounts.remove,
            ),
            path("/v2/account/midjourney/{channel}/reset", POST=accounts.reset),
            path("/v2/events", GET=FeedEvents(service, open_streams).read, head=False),
            path("/v2/account/midjourney/{channel}/limit", POST=reads(accounts.limit)),
            path("/v2/deliveries", GET=deliveries.page),
            path("/v2/deliveries/replay", POST=reads(deliveries.replay)),
            path("/v2/deliveries/ping", POST=reads(deliveries.ping)),
            path("/v2/deliveries/receivers", GET=deliveries.receivers),
            path("/v2/deliveries/enable", POST=reads(deliveries.enable)),
            path(
                "/v2/deliveries/secret",
                GET=deliveries.read_signing,
                POST=deliveries.new_secret,
            ),
            path("/v2/deliveries/{id}", GET=deliveries.read),
            path("/v2/deliveries/{id}/redeliver", POST=deliveries.redeliver),
            Path(
                "/v2/media/{jobid}/{n}",
                {"GET": media.signed_or(_guarded(logins, under_way, media.read_own))},
            ),
            path("/v2/media/{jobid}/{n}/link", POST=reads(media.share)),
            path("/v2/media/zip", POST=reads(media.zip)),
            path("/v2/media/key/rotate", POST=media.rotate),
        ),
    )


def _with_slash(*paths: Path) -> Sequence[Path]:
    slashed = (Path(f"{path.template}/", path.methods, path.head) for path in paths)
    return (*paths, *slashed)


def _own_record(logins: Logins, under_way: Places, accounts: Accounts, change: UserHandler) -> Path:
    """Return the path of the caller's own record, which a caller who has not paid may read (R1)."""
    read = _guarded(logins, under_way, accounts.read_user, lapsed=True)
    return Path("/v2/account", {"GET": read, "POST": _guarded(logins, under_way, change)})


def _guarded(
    logins: Logins, under_way: Places, handler: UserHandler, *, lapsed: bool = False
) -> Handler:
    """Return a handler that knows its caller, of whom few requests are under way at once.

    Args: under_way: the places of requests, of all paths together
    """

    async def authenticated(call: Call) -> Answer:
        user = await _caller(logins, call, lapsed=lapsed)
        with under_way.place(user.user_id):
            bind_contextvars(user=user.user_id)
            return await handler(call, user)

    return authenticated


def _with_body(logins: Logins, handler: BodyHandler) -> UserHandler:
    """Read the body, and look again who is calling: a token may end while a slow body arrives."""

    async def read(call: Call, user: User) -> Answer:
        body = await call.body(user.user_id)
        answering = handler(call, await _caller(logins, call), body)
        # the handler alone knows how long it needs the body, of which a mask is the most part
        del body
        return await answering

    return read


async def _caller(logins: Logins, call: Call, *, lapsed: bool = False) -> User:
    return await logins.authenticate(call.header(b"authorization"), call.peer, lapsed=lapsed)


class _Jobs:
    """The calls for jobs."""

    def __init__(self, service: Service, forms: Forms) -> None:
        self._service = service
        self._forms = forms
        self._waits = waits()

    async def read(self, call: Call, user: User) -> Answer:
        """Answer a job; a known one is always 200 (R3)."""
        jobid, wait_s = _jobid(call), preferred_wait_s(call.every(b"prefer"))
        if wait_s is not None:
            with self._waits.place(user.user_id):
                await call.unless_gone(self._service.reads.wait_for_end(user, jobid, wait_s))
        job, children = await self._service.reads.family(user, jobid)
        if job.waiting:
            body = job_json(job, children, await self._place(job))
        else:
            body = self._forms.of(job, children).body
        form = await self._service.reads.with_working_links(job, body)
        return Answer(200, form, () if wait_s is None else applied(wait_s))

    async def list_or_read(self, call: Call, user: User) -> Answer:
        """Answer the caller's running jobids, or the job that the query names."""
        if call.query(b"jobid") is not None:
            return await self.read(call, user)
        return json_answer(await self._service.reads.running_jobs(user))

    async def cancel(self, call: Call, user: User) -> Answer:
        """Cancel a job and answer the status it has then (R26)."""
        return Answer(200, cancel_json(await self._service.cancel(user, _jobid(call))))

    def submit(self, command: Command) -> BodyHandler:
        """Return the handler of one verb."""

        async def submit_command(call: Call, user: User, body: Body) -> Answer:
            request, key = job_request(command, body), _idempotency_key(call)
            if call.span.context is not None:
                request = replace(request, trace=call.span.context)
            del body
            preferred_s = preferred_wait_s(call.every(b"prefer"))
            if preferred_s is None:
                job, replayed = await self._submitted(user, request, key, None)
                place = await self._place(job)
                at_start = command.answers_at is not AnswersAt.FINAL
                status, told = answer(job, at_start=at_start, place=place)
            else:
                with self._waits.place(user.user_id):
                    submitting = self._submitted(user, request, key, preferred_s)
                    job, replayed = await call.unless_gone(submitting)
                status, told = waited(job, await self._place(job))
            call.span.note(jobid=job.jobid, account=job.account_id)
            wait_s = await self._service.reads.retry_after_s(job)
            wait = () if wait_s is None else ((b"retry-after", b"%d" % wait_s),)
            heard = () if preferred_s is None else applied(preferred_s)
            left = quota_headers(*await self._service.quotas(user, job))
            again = _REPLAYED if replayed else ()
            return Answer(status, told, (*wait, *heard, *left, *again))

        return submit_command

    async def _place(self, job: Job) -> QueuePlace | None:
        """Return where a job stands in the queue, while it waits there."""
        return await self._service.place(job) if job.waiting else None

    async def _submitted(
        self, user: User, request: JobRequest, key: str | None, wait_s: float | None
    ) -> tuple[Job, bool]:
        """Return the job of a request, and whether an earlier one with the key has made it."""
        if key is None:
            return await self._service.submit(user, request, wait_s), False
        return await self._service.submit_once(user, request, key, wait_s)


_REPLAYED: Final = ((b"idempotency-replayed", b"true"),)

MOST_KEY: Final = 255
"""Longest Idempotency-Key, in characters."""

_IDEMPOTENCY_KEY = re.compile(rf"[!-~]{{1,{MOST_KEY}}}")


def _idempotency_key(call: Call) -> str | None:
    """Return the key by which a caller may repeat the request. Raises: InvalidRequest.

    Two headers are refused: taking one of them would make a second job, or none, of a repetition
    in which a proxy has changed their order.
    """
    key = call.every(b"idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidRequest(sentences.KEY_FORM.text)
    return key


def _jobid(call: Call) -> str:
    """Return the jobid of the path, else of the query. Raises: InvalidRequest."""
    jobid = call.path("jobid") or call.query(b"jobid")
    if not jobid:
        raise InvalidRequest(sentences.NO_JOBID.text)
    return jobid
