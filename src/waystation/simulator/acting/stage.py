"""Performs the steps of a job: makes its messages and events, and notes them in the book."""

from __future__ import annotations

from waystation.simulator.book.evidence import Fact, facts_of
from waystation.simulator.book.log import Log
from waystation.simulator.bot.job import Ending, Job, Scene
from waystation.simulator.bot.references import application, interaction, triggered
from waystation.simulator.bot.timeline import Kind, Step, Who
from waystation.simulator.bot.works import Works
from waystation.simulator.discord.files import Files
from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.messages import Draft, Messages, Spoken, reference
from waystation.simulator.discord.sessions import Sessions
from waystation.simulator.discord.world import Channel, World
from waystation.simulator.payload import Payload
from waystation.wire.message import MessageFlag, MessageType

__all__ = ["Stage"]

_RESULT_FACTS = (
    "interaction_id",
    "account",
    "user_id",
    "verb",
    "button",
    "nonce",
    "uuid",
    "parent",
    "tile",
    "message_id",
    "message_ids",
    "result_id",
    "prompts",
    "title",
    "status",
)
"""Fields of a page of the book that go into the log when a job ends."""
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
        works: Works,
    ) -> None:
        self._world = world
        self._log = log
        self._now = now
        self._messages = messages
        self._sessions = sessions
        self.scene = Scene(world, files, now, ids.snowflake, works)

    def perform(self, job: Job, step: Step) -> None:
        """Do one step of a timeline."""
        match step.kind:
            case Kind.INTERACTION_CREATE | Kind.INTERACTION_SUCCESS | Kind.INTERACTION_FAILURE:
                self._tell_interaction(job, step.kind)
            case Kind.CREATE:
                self._create(job, step)
            case Kind.UPDATE:
                self._update(job, step)
            case Kind.RESULT:
                self._result(job, step)
            case Kind.REVISE:
                self._revise(job, step)
            case Kind.DIRECT:
                self._direct(job, step)
            case Kind.DELETE:
                self._delete(job, job.acknowledgement, step)
            case Kind.REMOVE:
                press = job.ask.press
                self._delete(job, press.message if press is not None else None, step)
            case Kind.WITHDRAW:
                self._delete(job, job.result or job.acknowledgement, step)
            case Kind.ANNOUNCE:
                if job.birth is not None:
                    self._testify(job, step, job.birth, is_first=True)
                    self._announce(job, "MESSAGE_CREATE", job.birth)
            case Kind.EVENT:
                assert step.event is not None, "an event step names its event"
                name, write = step.event
                self._tell(job, name, write(job))
            case Kind.GATEWAY:
                assert step.disturb is not None, "a gateway step says what happens"
                self._sessions.disturb(job.ask.user.id, *step.disturb)
            case Kind.BYSTANDER | Kind.BRANCH | Kind.STOP | Kind.SLOT | Kind.PAUSE:
                pass
        if step.ends is not None:
            self.end(job, step.ends)

    def end(self, job: Job, ending: Ending) -> None:
        """Write down how a job ended."""
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
            if job.ask.session_id is not None or not self._world.options.strict_sessions:
                self._witness(job, Fact.INTERACTION)
        if kind is Kind.INTERACTION_FAILURE:
            body["reason_code"] = _TIMED_OUT
        self._tell(job, kind.name, body)

    def _create(self, job: Job, step: Step) -> None:
        """Write the bot's first message, or an answer that ends the job."""
        if step.who is Who.IMPOSTOR:
            self._impersonate(job, step)
            return
        press = job.ask.press
        source = press.message if press is not None else None
        target = (job.acknowledgement or source) if step.refers else source
        extra: Payload = {}
        if step.traced and not step.refers:
            extra = interaction(self._world, job) if press is None else triggered(self._world, job)
        if target is not None:
            extra |= application(self._world.midjourney) | reference(job.ask.channel, target)
        type_ = MessageType.CHAT_INPUT_COMMAND if target is None else MessageType.REPLY
        message, event = self._write(job, step, type_, extra)
        if step.first:
            job.acknowledgement, job.birth = message, event
            job.entry["message_id"] = message["id"]
        if step.ends is Ending.COMPLETED:
            self._keep_result(job, message)
        if step.first or step.ends is not None:
            self._testify(job, step, event, is_first=step.first)
        self._say(job, step, "MESSAGE_CREATE", event)

    def _result(self, job: Job, step: Step) -> None:
        """Write the result as a message of its own. Source: wire notes 4.2, final message."""
        press, extra = job.ask.press, {"mentions": [job.ask.user.payload()]}
        target = press.message if press is not None else None
        if step.replies:
            target = job.acknowledgement
        if target is not None:
            extra |= reference(job.ask.channel, target)
        type_ = MessageType.DEFAULT if target is None else MessageType.REPLY
        message, event = self._write(job, step, type_, extra)
        self._keep_result(job, message)
        self._testify(job, step, event)
        self._say(job, step, "MESSAGE_CREATE", event)

    def _direct(self, job: Job, step: Step) -> None:
        """Write into the direct channel, unless a passer-by asks, who has none here."""
        account = job.ask.account
        if account is None:
            return
        channel = self._world.channels[account.dm_channel_id]
        message, event = self._write(job, step, MessageType.DEFAULT, {}, channel)
        job.entry["direct_id"] = message["id"]
        if job.ask.verb == "seed":
            self._witness(job, Fact.UUID_IN_TEXT)
        self._say(job, step, "MESSAGE_CREATE", event)

    def _write(
        self,
        job: Job,
        step: Step,
        type_: MessageType,
        extra: Payload,
        channel: Channel | None = None,
    ) -> tuple[Payload, Payload]:
        message, event = self._messages.create(
            Spoken(
                channel or job.ask.channel,
                self._world.midjourney,
                self._draft(job, step),
                type_,
                job.ask.nonce if step.nonce else None,
                job.ask.user.id,
                extra,
            )
        )
        self._note(job, message)
        return message, event

    def _impersonate(self, job: Job, step: Step) -> None:
        """Post as another bot of the same name; it cannot enter a direct channel."""
        if job.ask.channel.is_direct:
            return
        liar = self._world.impostor
        draft = self._draft(job, step)
        nonce = job.ask.nonce if step.nonce else None
        spoken = Spoken(job.ask.channel, liar, draft, nonce=nonce, extra=application(liar))
        _, event = self._messages.create(spoken)
        self._messages.announce("MESSAGE_CREATE", event)

    def _update(self, job: Job, step: Step) -> None:
        message = job.acknowledgement
        if message is None:
            return
        event = self._messages.edit(message, self._draft(job, step), partial=step.partial)
        self._note(job, message)
        if step.ends is not None:
            self._keep_result(job, message)
        self._testify(job, step, event)
        self._say(job, step, "MESSAGE_UPDATE", event)

    def _revise(self, job: Job, step: Step) -> None:
        """Edit the message whose button was pressed; it may be ephemeral."""
        press = job.ask.press
        if press is None:
            return
        draft = self._draft(job, step)
        event = self._messages.edit(press.message, draft, partial=step.partial)
        is_private = bool(press.message["flags"] & MessageFlag.EPHEMERAL)
        self._say(job, step, "MESSAGE_UPDATE", event, is_private=is_private)

    def _delete(self, job: Job, message: Payload | None, step: Step) -> None:
        if message is not None:
            event = self._messages.delete(message)
            if step.ends is not None:
                self._witness(job, Fact.SAME_MESSAGE)
            self._announce(job, "MESSAGE_DELETE", event)

    def _draft(self, job: Job, step: Step) -> Draft:
        assert step.write is not None, "a message step has words"
        job.link_life_s, job.discloses = step.link_life_s, step.discloses
        return step.write(job, self.scene)

    def _say(
        self, job: Job, step: Step, name: str, event: Payload, *, is_private: bool = False
    ) -> None:
        if not step.published:
            return
        for _ in range(step.times):
            self._announce(job, name, event, is_private=is_private)

    def _announce(self, job: Job, name: str, event: Payload, *, is_private: bool = False) -> None:
        private = is_private or job.ephemeral or event.get("flags", 0) & MessageFlag.EPHEMERAL
        self._messages.announce(name, event, job.ask.user.id if private else None)

    # The book.

    def _note(self, job: Job, message: Payload) -> None:
        ids = job.entry["message_ids"]
        if message["id"] not in ids:
            ids.append(message["id"])
        if message["embeds"]:
            job.entry["title"] = message["embeds"][0].get("title")

    def _keep_result(self, job: Job, message: Payload) -> None:
        job.result = message
        job.entry["result_id"] = message["id"]

    def _testify(self, job: Job, step: Step, message: Payload, *, is_first: bool = False) -> None:
        """Note what a message that was sent says about whose it is."""
        if not step.published:
            return
        now_s = self._now().timestamp()
        if step.ends is None:
            job.entry["said_at_s"] = job.entry["said_at_s"] or now_s
        for fact in facts_of(step, message, job, is_first=is_first):
            self._witness(job, fact)
            if fact is Fact.PROGRESS_UUID:
                job.entry["uuid_at_s"] = job.entry["uuid_at_s"] or now_s

    @staticmethod
    def _witness(job: Job, fact: Fact) -> None:
        evidence: list[str] = job.entry["evidence"]
        if fact.value not in evidence:
            evidence.append(fact.value)
