"""The REST face without a server: a service that does what a test says, and a caller for ASGI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message

from tests.limits import BODY
from waystation.api.asgi import Face, create_face
from waystation.api.body import Limits
from waystation.callbacks import CallbackStatus
from waystation.contract import retry_after_s
from waystation.engine.everywhere import Known
from waystation.engine.media.reading import Opened
from waystation.engine.media.serving import Found
from waystation.engine.request import JobRequest
from waystation.engine.service import Readiness, Service
from waystation.errors import (
    InvalidRequest,
    MediaFailed,
    NotFound,
    RangeNotSatisfiable,
    SubscriptionExpired,
    Unauthorized,
    WaystationError,
)
from waystation.ignored import Ignored
from waystation.jobs import Child, Job, JobId, JobStatus
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import PNG, Wish
from waystation.ports import (
    Account,
    CopiesKept,
    Counts,
    Delivery,
    JobSearch,
    JobsFound,
    LoggedAttempt,
    SigningSecret,
    User,
)
from waystation.quotas import Quota
from waystation.receivers import Receiver
from waystation.secret import Secret
from waystation.wire.message import Attachment

CHANNEL = "1234567890123456789"
SERVER = "1111111111111111111"
DISCORD = "MTAxNTc4.not-a-real-token.xyz"
TOKEN = "user:1-open-sesame"
BEARER = {"authorization": f"Bearer {TOKEN}"}
NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)

USER = User(user_id=1, email="someone@mail.example", created_at=NOW, token_hash=b"", name="Someone")

ACCOUNT = Account(
    account_id="a1",
    user_id=1,
    discord_user_id="42",
    channel=CHANNEL,
    guild_id=SERVER,
    max_jobs=3,
    sealed_token=b"",
    masked_token="MTA…secured…xyz",
    created_at=NOW,
)

JOB = Job(
    jobid=JobId(f"job:20260102030405678-user:1-channel:{CHANNEL}-bot:midjourney"),
    user_id=1,
    account_id="a1",
    channel=CHANNEL,
    verb="describe",
    status=JobStatus.STARTED,
    created_at=NOW,
    updated_at=NOW,
    discord="MTA…secured…xyz",
)


DELIVERY = Delivery(
    callback_id="abc",
    jobid=JOB.jobid,
    url="https://example.org/hook",
    status=CallbackStatus.PENDING,
    is_final=True,
    sequence=7,
    created_at=NOW,
    next_attempt_at=NOW,
    attempts=2,
)


@dataclass
class FakeService:
    """Answers what it holds, remembers what it was asked, fails as told."""

    job: Job = JOB
    held: Sequence[Account] = (ACCOUNT,)
    user: User = USER
    fails: Exception | None = None
    ready: bool = True
    created: bool = True
    replayed: bool = False
    lapsed: bool = False
    in_slots: Sequence[Job] = ()
    looks_left: int = 1 << 30
    """How often the token is found good before it is revoked."""
    born: Sequence[Child] = ()
    connection: tuple[str, str] = ("connected", "")
    left: Quota | None = None
    found: JobsFound = JobsFound((), None, True)  # noqa: RUF009 - frozen
    links: dict[bytes, bytes] = field(default_factory=dict)
    secrets: list[SigningSecret] = field(default_factory=list)
    delivered: Sequence[Delivery] = ()
    failing: Sequence[Receiver] = ()
    attempts: Sequence[LoggedAttempt] = ()
    calls: list[tuple[object, ...]] = field(default_factory=list)
    lengthless: bool = False
    copies: tuple[CopiesKept, bool] | None = None
    """True: nobody knows how long its files are."""
    holds: asyncio.Event | None = None
    """Files are opened when this is set."""
    breaks_at: int | None = None
    """The byte at which its files cannot be read on."""

    @property
    def requests(self) -> list[JobRequest]:
        return [cast(JobRequest, call[1]) for call in self.calls if call[0] == "submit"]

    @property
    def reads(self) -> FakeService:
        return self

    @property
    def logins(self) -> FakeLogins:
        return FakeLogins(self)

    @property
    def accounts(self) -> FakeAccounts:
        return FakeAccounts(self)

    @property
    def media(self) -> FakeMedia:
        return FakeMedia(self)

    @property
    def deliveries(self) -> FakeDeliveries:
        return FakeDeliveries(self)

    def note(self, *call: object) -> None:
        self.calls.append(call)
        if self.fails is not None:
            raise self.fails

    def _known(self, jobid: str) -> Job:
        if jobid != self.job.jobid:
            raise NotFound(f"Unable to locate job {jobid}")
        return self.job

    def check_reply_url(self, url: str, bad_input_status: int = 400) -> None:
        if "10.0.0.1" in url:
            raise InvalidRequest("replyUrl cannot be called: 10.0.0.1 is a private address")

    async def submit(self, user: User, request: JobRequest, wait_s: float | None = None) -> Job:
        self.note("submit", request, *(() if wait_s is None else (wait_s,)))
        return self.job

    async def search(self, search: JobSearch) -> JobsFound:
        self.note("search", search)
        return self.found

    async def wait_for_end(self, user: User, jobid: str, wait_s: float) -> None:
        self.note("wait_for_end", jobid, wait_s)
        self._known(jobid)

    async def submit_once(
        self, user: User, request: JobRequest, key: str, wait_s: float | None = None
    ) -> tuple[Job, bool]:
        self.note("submit_once", request, key, *(() if wait_s is None else (wait_s,)))
        return self.job, self.replayed

    async def retry_after_s(self, job: Job) -> int | None:
        return retry_after_s(job)

    async def quotas(self, user: User, job: Job) -> Sequence[Quota]:
        return () if self.left is None else (self.left,)

    async def family(self, user: User, jobid: str) -> tuple[Job, Sequence[Child]]:
        self.note("family", jobid)
        return self._known(jobid), self.born

    def glance(self, authorization: str, jobid: str) -> tuple[Job, Sequence[Child]] | None:
        known = authorization == BEARER["authorization"] and jobid == self.job.jobid
        return (self.job, self.born) if known else None

    def links_work(self, form: bytes) -> bool:
        return form not in self.links

    async def with_working_links(self, job: Job, form: bytes) -> bytes:
        return self.links.get(form, form)

    async def running_jobs(self, user: User) -> Sequence[JobId]:
        self.note("running_jobs")
        return (self.job.jobid,)

    async def cancel(self, user: User, jobid: str) -> Job:
        self.note("cancel", jobid)
        return self._known(jobid)

    async def readiness(self) -> Readiness:
        problems = () if self.ready else ("The database cannot be written.",)
        return Readiness(self.ready, problems, {"ready": 2})

    async def counts(self) -> Counts:
        return Counts(jobs_by_status={"completed": 7}, accounts=2, accounts_halted=1)

    def waits(self, counts: Counts) -> Mapping[str, float]:
        return {"job": 31.5, "slot": 0.0}

    @property
    def ignored(self) -> Mapping[Ignored, int]:
        return {Ignored.SETTLED: 3}


@dataclass
class FakeLogins:
    """Knows one token."""

    service: FakeService

    async def authenticate(
        self, authorization: str | None, peer: str, *, lapsed: bool = False
    ) -> User:
        self.service.looks_left -= 1
        if authorization != BEARER["authorization"] or self.service.looks_left < 0:
            raise Unauthorized
        if self.service.lapsed and not lapsed:
            raise SubscriptionExpired
        return self.service.user

    def has_lapsed(self, user: User) -> bool:
        return self.service.lapsed

    async def update_user(self, user: User, name: str | None, reply_url: str | None) -> None:
        self.service.note("logins.update_user", name, reply_url)


@dataclass
class FakeDeliveries:
    """The callbacks of a `FakeService`."""

    _service: FakeService

    def shown(self, moment: datetime) -> datetime:
        return moment

    async def page(self, user: User, **asked: object) -> Sequence[Delivery]:
        self._service.note("page", asked)
        return self._service.delivered

    async def find(self, user: User, callback_id: str) -> tuple[Delivery, Sequence[LoggedAttempt]]:
        self._service.note("find", callback_id)
        return DELIVERY, self._service.attempts

    async def redeliver(self, user: User, callback_id: str) -> Delivery:
        self._service.note("redeliver", callback_id)
        return DELIVERY

    async def replay(self, user: User, since: datetime) -> tuple[int, bool]:
        self._service.note("replay", since)
        return 3, False

    async def ping(self, user: User, url: str) -> Delivery:
        self._service.note("ping", url)
        return replace(DELIVERY, jobid=None, url=url, is_final=False)

    async def receivers(self, user: User) -> Sequence[Receiver]:
        return self._service.failing

    async def enable(self, user: User, url: str) -> None:
        self._service.note("enable", url)

    async def secrets(self, user: User) -> Sequence[SigningSecret]:
        return self._service.secrets

    async def new_secret(self, user: User) -> Secret:
        self._service.note("new_secret")
        secrets = self._service.secrets
        number = len(secrets) + 1
        secrets[:] = [
            SigningSecret(str(number), user.user_id, b"", NOW),
            *(
                replace(one, ends_at=one.ends_at or NOW + timedelta(days=1, seconds=-number))
                for one in secrets
            ),
        ]
        return Secret(f"whsec_{number}")


FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(92))
"""The file of each fake job: a hundred bytes."""


@dataclass
class FakeMedia:
    """The files of a `FakeService`: one of each job."""

    service: FakeService

    async def user_of(self, wish: Wish, expires: str, given: str) -> User:
        self.service.note("media.user_of", wish, expires, given)
        return self.service.user

    async def copies(self) -> tuple[CopiesKept, bool] | None:
        return self.service.copies

    async def find(self, user: User, wish: Wish) -> Found:
        self.service.note("media.find", wish)
        job = self.service.job
        return Found(user.user_id, wish, job, Attachment("77", "fox.png", "https://x/fox.png"))

    @asynccontextmanager
    async def opened(
        self, found: Found, part: ByteRange | None, *, signed: bool
    ) -> AsyncIterator[Opened]:
        self.service.calls.append(("media.opened", part, signed))
        if self.service.holds is not None:
            await self.service.holds.wait()
        span = None if part is None else part.within(len(FILE))
        if part is not None and span is None:
            raise RangeNotSatisfiable(len(FILE))
        first, last = span or (0, len(FILE) - 1)
        length = None if self.service.lengthless else len(FILE)
        chunks = self._chunks(FILE[first : last + 1])
        try:
            yield Opened(PNG, length, span, chunks)
        finally:
            self.service.calls.append(("media.closed",))

    async def _chunks(self, data: bytes) -> AsyncGenerator[bytes, None]:
        for at in range(0, len(data), 10):
            if at == self.service.breaks_at:
                raise MediaFailed
            yield data[at : at + 10]

    async def share(self, user: User, wish: Wish, life: timedelta) -> tuple[str, datetime]:
        self.service.note("media.share", wish, life)
        return "/v2/media/x", NOW

    async def rotate_key(self, user: User) -> None:
        self.service.note("media.rotate_key")


@dataclass
class FakeAccounts:
    """The accounts that a fake service holds."""

    service: FakeService

    async def of(self, user: User) -> Sequence[Account]:
        self.service.note("accounts.of")
        return self.service.held

    async def get(self, user: User, channel: str) -> Account:
        self.service.note("accounts.get", channel)
        for account in self.service.held:
            if account.channel == channel:
                return account
        raise NotFound("Configuration not found for provided channel")

    async def unknown(
        self, user: User, channel: str | None, kind: type[WaystationError]
    ) -> WaystationError:
        return kind("Configuration not found")

    async def add(self, user: User, token: Secret, max_jobs: int | None) -> tuple[Account, bool]:
        self.service.note("accounts.add", token.reveal(), max_jobs)
        return self.service.held[0], self.service.created

    async def put(
        self, user: User, channel: str, token: Secret, server: str, max_jobs: int
    ) -> Account:
        self.service.note("accounts.put", channel, token.reveal(), server, max_jobs)
        return self.service.held[0]

    async def remove(self, user: User, channel: str, force: bool = False) -> None:
        self.service.note("accounts.remove", channel, force)

    async def reset(self, user: User, channel: str) -> None:
        self.service.note("accounts.reset", channel)

    async def known(self, user: User, accounts: Sequence[Account]) -> Mapping[str, Known]:
        known = Known(*self.service.connection, self.service.in_slots)
        return {account.account_id: known for account in accounts}

    def shown(self, moment: datetime) -> datetime:
        return moment


def face(
    service: FakeService | None = None,
    *,
    limits: Limits = BODY,
    cors_origins: Sequence[str] = (),
    public_url: str = "",
    metrics: CollectorRegistry | None = None,
) -> ASGIApp:
    """Return the application over a fake service, with request ids that count."""
    return whole_face(
        service, limits=limits, cors_origins=cors_origins, public_url=public_url, metrics=metrics
    ).app


def whole_face(
    service: FakeService | None = None,
    *,
    limits: Limits = BODY,
    cors_origins: Sequence[str] = (),
    public_url: str = "",
    metrics: CollectorRegistry | None = None,
) -> Face:
    """Return the application and the straight way beside it."""
    numbers = count(1)
    return create_face(
        cast(Service, service or FakeService()),
        new_request_id=lambda: f"request-{next(numbers)}",
        limits=limits,
        cors_origins=cors_origins,
        public_url=public_url,
        metrics=metrics,
    )


@dataclass(frozen=True)
class Answered:
    """One HTTP response as a caller sees it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    body: bytes | Iterable[bytes] | object = b"",
    headers: Mapping[str, str] | None = None,
    *,
    ends: str = "complete",
    more: Sequence[tuple[str, str]] = (),
) -> Answered:
    """Call an ASGI application once.

    Args:
        body: bytes, chunks in a list, or anything else as JSON
        ends: `complete`: the caller closes after it; `open`: it waits for the answer; or how a body
            ends that is not complete: `stall` or `hang up`
        more: headers that repeat a name
    """
    path, _, query = target.partition("?")
    chunks = _chunks(body)
    sent = {**({"content-length": str(sum(map(len, chunks)))} if any(chunks) else {})}
    sent |= BEARER if headers is None else headers
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [
            (key.encode(), value.encode("latin-1")) for key, value in (*sent.items(), *more)
        ],
        "client": ("127.0.0.1", 1),
    }
    messages = iter(_messages(chunks, ends))
    answered: list[Message] = []

    async def receive() -> Message:
        for message in messages:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, send)
    if not answered:
        return Answered(0, {}, b"")
    start, *rest = answered
    return Answered(
        start["status"],
        {key.decode(): value.decode() for key, value in start["headers"]},
        b"".join(message["body"] for message in rest),
    )


def _chunks(body: object) -> list[bytes]:
    if isinstance(body, bytes):
        return [body]
    if isinstance(body, list) and all(isinstance(chunk, bytes) for chunk in body):
        return body
    return [json.dumps(body).encode()]


def _messages(chunks: list[bytes], ends: str) -> Iterable[Message]:
    last = len(chunks) - 1 if ends in ("complete", "open") else -1
    for index, chunk in enumerate(chunks):
        yield {"type": "http.request", "body": chunk, "more_body": index != last}
    if ends not in ("stall", "open"):
        yield {"type": "http.disconnect"}
