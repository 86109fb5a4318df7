"""Performs the steps of a job: makes its messages and events, and notes them in the book."""

from __future__ import annotations

from waystation.simulator.files import Files
from waystation.simulator.ids import Ids, Now
from waystation.simulator.job import Draft, Ending, Job, Scene
from waystation.simulator.log import Log
from waystation.simulator.messages import Messages, Spoken
from waystation.simulator.payload import Payload
from waystation.simulator.sessions import Sessions
from waystation.simulator.timeline import Kind, Step, Who
from waystation.simulator.world import User, World
from waystation.wire.message import MessageFlag, MessageType

__all__ = ["Stage"]

_APPLICATION_COMMAND = 2
_RESULT_FACTS = (
    "interaction_id",
    "account",
    "user_id",
    "verb",
    "nonce",
    "message_id",
    "message_ids",
    "prompts",
    "title",
    "status",
)
"""What of a page of the book goes into the log when a job ends."""
_TIMED_OUT = 2
"""`reason_code` of INTERACTION_FAILURE. Source: wire notes 2.7."""


class Stage:
    """Where the bot acts: messages, gateway sessions and the book."""

    def __init__(
        self,
        world: World,
        ids: Ids,
        now: Now,
        files: Files,
        messages: Messages,
        sessions: Sessions,
        log: Log,
    ) -> None:
        self._world = world
        self._log = log
        self._now = now
        self._messages = messages
        self._sessions = sessions
        self._scene = Scene(world, files, now, ids.snowflake)

    def perform(self, job: Job, step: Step) -> None:
        """Do one step of a timeline."""
        match step.kind:
            case Kind.INTERACTION_CREATE | Kind.INTERACTION_SUCCESS | Kind.INTERACTION_FAILURE:
                self._tell_interaction(job, step.kind)
            case Kind.CREATE:
                self._create(job, step)
            case Kind.UPDATE:
                self._update(job, step)
            case Kind.DELETE:
                self._delete(job)
            case Kind.ANNOUNCE:
                if job.birth is not None:
                    self._announce(job, "MESSAGE_CREATE", job.birth)
            case Kind.EVENT:
                assert step.event is not None, "an event step names its event"
                name, write = step.event
                self._tell(job, name, write(job))
            case Kind.GATEWAY:
                assert step.disturb is not None, "a gateway step says what happens"
                self._sessions.disturb(job.ask.user.id, *step.disturb)
            case Kind.BYSTANDER | Kind.SLOT | Kind.PAUSE:
                pass
        if step.ends is not None:
            self._end(job, step.ends)

    def _end(self, job: Job, ending: Ending) -> None:
        job.entry["status"] = ending.value
        job.entry["final_at_s"] = self._now().timestamp()
        self._log.add("result", **{key: job.entry[key] for key in _RESULT_FACTS})

    def _tell(self, job: Job, name: str, data: Payload) -> None:
        strict = self._world.options.strict_sessions
        only = (job.ask.session_id or "nobody") if strict else None
        self._sessions.publish((job.ask.user.id,), name, data, only_session=only)

    def _tell_interaction(self, job: Job, kind: Kind) -> None:
        body: Payload = {"id": job.interaction_id}
        if job.ask.nonce is not None:
            body["nonce"] = job.ask.nonce
        if kind is Kind.INTERACTION_FAILURE:
            body["reason_code"] = _TIMED_OUT
        self._tell(job, kind.name, body)

    def _create(self, job: Job, step: Step) -> None:
        if step.who is Who.IMPOSTOR:
            self._impersonate(job, step)
            return
        message, event = self._messages.create(
            Spoken(
                job.ask.channel,
                self._world.midjourney,
                self._draft(job, step),
                MessageType.REPLY if step.refers else MessageType.CHAT_INPUT_COMMAND,
                job.ask.nonce if step.nonce else None,
                extra=_reference(job) if step.refers else self._interaction(job),
            )
        )
        self._note(job, message)
        if step.first:
            job.acknowledgement, job.birth = message, event
            job.entry["message_id"] = message["id"]
        self._say(job, step, "MESSAGE_CREATE", event)

    def _impersonate(self, job: Job, step: Step) -> None:
        """Post as another bot of the same name; it cannot enter a direct channel."""
        if job.ask.channel.is_direct:
            return
        liar = self._world.impostor
        draft = self._draft(job, step)
        nonce = job.ask.nonce if step.nonce else None
        spoken = Spoken(job.ask.channel, liar, draft, nonce=nonce, extra=_application(liar))
        _, event = self._messages.create(spoken)
        self._messages.announce("MESSAGE_CREATE", event)

    def _update(self, job: Job, step: Step) -> None:
        message = job.acknowledgement
        if message is None:
            return
        draft = self._draft(job, step)
        event = self._messages.edit(message, draft, partial=step.partial)
        self._note(job, message)
        self._say(job, step, "MESSAGE_UPDATE", event)

    def _delete(self, job: Job) -> None:
        if job.acknowledgement is not None:
            event = self._messages.delete(job.acknowledgement)
            self._announce(job, "MESSAGE_DELETE", event)

    def _draft(self, job: Job, step: Step) -> Draft:
        assert step.write is not None, "a message step has words"
        job.link_life_s = step.link_life_s
        return step.write(job, self._scene)

    def _say(self, job: Job, step: Step, name: str, event: Payload) -> None:
        if not step.published:
            return
        for _ in range(step.times):
            self._announce(job, name, event)

    def _announce(self, job: Job, name: str, event: Payload) -> None:
        flags = event.get("flags", 0)
        private = job.ephemeral or flags & MessageFlag.EPHEMERAL
        self._messages.announce(name, event, job.ask.user.id if private else None)

    def _note(self, job: Job, message: Payload) -> None:
        ids = job.entry["message_ids"]
        if message["id"] not in ids:
            ids.append(message["id"])
        if message["embeds"]:
            job.entry["title"] = message["embeds"][0].get("title")

    def _interaction(self, job: Job) -> Payload:
        """Write what marks a command's response. Source: wire notes 2.7, 4.2."""
        user = job.ask.user.payload()
        common = {
            "id": job.interaction_id,
            "type": _APPLICATION_COMMAND,
            "name": job.ask.verb,
            "user": user,
        }
        owners = {"0": job.ask.channel.guild_id} if job.ask.channel.guild_id else {}
        metadata = common | {
            "authorizing_integration_owners": owners,
            "command_type": 1,
        }
        extra = {"interaction": common, "interaction_metadata": metadata}
        return _application(self._world.midjourney) | extra


def _application(author: User) -> Payload:
    return {"application_id": author.id, "webhook_id": author.id}


def _reference(job: Job) -> Payload:
    target = job.acknowledgement
    if target is None:
        return {}
    reference: Payload = {
        "type": 0,
        "channel_id": target["channel_id"],
        "message_id": target["id"],
    }
    if job.ask.channel.guild_id:
        reference["guild_id"] = job.ask.channel.guild_id
    application_id = job.entry["application_id"]
    return {
        "application_id": application_id,
        "message_reference": reference,
        "referenced_message": dict(target),
    }
