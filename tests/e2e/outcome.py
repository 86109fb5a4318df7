"""Outcome: everything that one fault changed, in words that do not differ from run to run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.conftest import Installation, Person, of_v2
from tests.e2e.records import Row
from waystation.secret import mask
from waystation.simulator.bot.wording import info_text

__all__ = ["Outcome", "Plain", "looked_up"]

Body = dict[str, Any]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_MOMENT = re.compile(r"<t:\d+")


@dataclass(frozen=True)
class Outcome:
    """One job as it is seen from outside, and the few things that only the records tell."""

    post: tuple[int, Any]
    """HTTP status and body of the POST."""
    job: Body | None
    """The answer of GET for the job in the end; None when none was made."""
    retry_after: str | None = None
    delivered: bool = True
    """True when the job's URL got one callback, whose body equals GET's."""
    slot: bool = False
    """True when the job still holds a slot of its channel."""
    late: str | None = None
    """The message that came when the job was over."""
    halt: str | None = None
    """`pendingModMessage` of the account; a mail with this text was written with it."""
    sent: Sequence[int] = (204,)
    """How Discord answered each interaction; 0 for a reset."""
    unrecognised: int = 0
    """Bot messages that were kept because nobody understood them."""


@dataclass(frozen=True)
class Plain:
    """Puts names in the place of what differs from run to run, after checking it."""

    here: Installation
    picture_url: str
    page: Row | None
    """The bot's page for the job."""
    jobids: Sequence[str] = field(default=())

    def body(self, body: Any) -> Any:
        """Return an answer's body in plain words."""
        return self._plain("", body)

    def text(self, text: str) -> str:
        """Return a text without moments."""
        return _MOMENT.sub("<t:…", text)

    def _plain(self, key: str, value: Any) -> Any:
        match value:
            case dict():
                return {name: self._plain(name, one) for name, one in value.items()}
            case list():
                return [self._plain(key, one) for one in value]
            case str():
                return self._word(key, value)
            case _:
                return value

    def _word(self, key: str, text: str) -> str:
        account = self.here.sim.accounts[0]
        known: Mapping[str, Mapping[str, str]] = {
            "jobid": dict.fromkeys(self.jobids, "<jobid>"),
            "discord": {mask(account.token): "<masked>"},
            "channel": {account.channel_id: "<channel>"},
            "server": {account.guild_id: "<server>"},
            "describeUrl": {self.picture_url: "<picture>"},
            "replyUrl": {f"{self.here.outside.url}/callback": "<callback>"},
            "messageId": self._messages(),
            "description": self._descriptions(),
            "content": self._descriptions(),
        }
        if key in ("url", "proxy_url") and text.startswith(f"{self.here.sim.url}/"):
            return "<link>"
        if key in ("created", "updated") and _INSTANT.fullmatch(text):
            return "<instant>"
        if key == "timestamp" and _TIMESTAMP.fullmatch(text):
            return "<timestamp>"
        return known.get(key, {}).get(text) or self.text(text)

    def _messages(self) -> Mapping[str, str]:
        ids = self.page["message_ids"] if self.page else ()
        return {one: f"<message {number}>" for number, one in enumerate(ids, 1)}

    def _descriptions(self) -> Mapping[str, str]:
        known = {info_text(self.here.sim.accounts[0]): "<info>"}
        if self.page and self.page["prompts"]:
            digits = ("1️⃣", "2️⃣", "3️⃣", "4️⃣")
            lines = (f"{d} {p}" for d, p in zip(digits, self.page["prompts"], strict=True))
            known["\n\n".join(lines)] = "<prompts>"
        return known


async def looked_up(
    here: Installation, person: Person, picture_url: str, posted: tuple[int, Any, Any]
) -> Outcome:
    """Return what has become of the only job, once everything is quiet."""
    account = here.sim.accounts[0]
    with here.records() as records:
        jobs = records.jobs()
        mails = [mail["body"] for mail in records.mails()]
        kept = records.unrecognised().values()
        unrecognised = sum(records.MARKER.encode() not in payload for payload in kept)
        callbacks = records.callbacks()
    assert len(jobs) <= 1
    row = jobs[0] if jobs else None
    plain = Plain(here, picture_url, _page(here), [job["jobid"] for job in jobs])
    final = None if row is None else await person.job(row["jobid"])
    assert here.outside.callbacks == [] or [body for _, body in here.outside.callbacks] == [final]
    assert len(here.outside.callbacks) == len(callbacks)
    shown = of_v2(await person.account(account.channel_id))
    halt = shown.pop("pendingModMessage", None)
    assert shown == {
        "channel": account.channel_id,
        "discord": mask(account.token),
        "server": account.guild_id,
        "maxJobs": 3,
    }
    assert len(mails) == (halt is not None) and all(halt in mail for mail in mails), mails
    status, body, headers = posted
    return Outcome(
        post=(status, plain.body(body)),
        job=plain.body(final),
        retry_after=headers.get("Retry-After"),
        delivered=bool(here.outside.callbacks),
        slot=bool(row and row["slot"]),
        late=plain.body({"messageId": row["late"]["message_id"]})["messageId"]
        if row and row["late"]
        else None,
        halt=None if halt is None else plain.text(halt),
        sent=tuple(
            entry["status"]
            for entry in here.sim.log
            if entry["kind"] == "request" and entry["path"].endswith("/interactions")
        ),
        unrecognised=unrecognised,
    )


def _page(here: Installation) -> Row | None:
    """Return the bot's page for what the service asked, leaving out what others did."""
    own = [page for page in here.sim.book if not page["by_hand"]]
    assert len(own) <= 1
    return own[0] if own else None
