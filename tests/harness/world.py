"""A small model of Discord and the bot: what is asked, what comes of it, and whose it really is.

Nothing here knows the service. Events are made in the order in which Discord would make them and
wait in `pending`; a test delivers, repeats or loses them as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.golden.corpus import HISTORY, PAYLOADS, Json, event_of, merged
from tests.harness.play import USER
from waystation.gateway_events import GatewayEvent

__all__ = ["ENDINGS", "Ask", "World"]

FOREIGNER = "1144000000000000099"
_FIRST_ID = 1_400_000_000_000_000_000
_EPHEMERAL = 64

ENDINGS = (
    "result",
    "partial_result",
    "error_update",
    "error_reference",
    "refusal",
    "halt",
    "queued",
    "vanish",
    "silence",
)
"""How an ask can go on after Discord has passed it to the bot."""

_SCRIPTS: dict[str, tuple[str, ...]] = {
    "result": ("ack", "success", "result"),
    "partial_result": ("ack", "success", "partial_result"),
    "error_update": ("ack", "success", "error_update"),
    "error_reference": ("ack", "success", "error_reference"),
    "refusal": ("refusal", "success"),
    "halt": ("halt", "success"),
    "queued": ("queued", "success", "late_ack", "result"),
    "vanish": ("ack", "success", "delete"),
    "silence": ("failure",),
}


@dataclass
class Ask:
    """One interaction that Discord passed on."""

    number: int
    verb: str
    owner: str | None
    """The job it was asked for; None when a person typed it."""
    user: str
    nonce: str
    interaction_id: str
    upload: str
    acts: list[str]
    message_id: str = ""


@dataclass
class World:
    """Everything Discord knows."""

    asks: list[Ask] = field(default_factory=list)
    pending: list[Json] = field(default_factory=list)
    """Dispatches on their way, as steps of conversation goldens."""
    history: dict[str, Json] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    """Message id and interaction id → whose it really is."""
    results: dict[str, str] = field(default_factory=dict)
    """Job → the message that holds its result now."""
    _count: int = 0

    def new_id(self) -> str:
        """Return a snowflake, newer than all before."""
        self._count += 1
        return str(_FIRST_ID + (self._count << 22))

    def execute(
        self,
        verb: str,
        ending: str,
        *,
        nonce: str,
        upload: str,
        owner: str | None = None,
        user: str = USER,
    ) -> Ask:
        """Take an interaction; nothing is said yet."""
        ask = Ask(
            number=len(self.asks),
            verb=verb,
            owner=owner,
            user=user,
            nonce=nonce,
            interaction_id=self.new_id(),
            upload=upload,
            acts=["created", *_SCRIPTS[ending]],
        )
        self.owners[ask.interaction_id] = owner
        self.asks.append(ask)
        return ask

    @property
    def busy(self) -> list[Ask]:
        """The asks that have more to come."""
        return [ask for ask in self.asks if ask.acts]

    def act(self, ask: Ask) -> None:
        """Let the next thing of an ask happen."""
        act = ask.acts.pop(0)
        match act:
            case "created" | "success" | "failure":
                self._tell(ask, act)
            case "ack" | "late_ack":
                self._create(ask, "acknowledged", nonce=act == "ack")
            case "result" | "partial_result":
                self._finish(ask, partial=act == "partial_result")
            case "error_update":
                self._edit(ask, "describe/image_filters", {})
            case "error_reference":
                changes = {"message_reference": {"message_id": ask.message_id}}
                self._create_error(ask, "describe/image_denied", changes, nonce=False)
            case "refusal":
                self._create_error(ask, "describe/banned_image_prompt", {}, nonce=True)
            case "halt":
                self._create_error(ask, "describe/pending_mod_message", {}, nonce=True)
            case "queued":
                self._create_error(ask, "describe/job_queued", {}, nonce=True)
            case "delete":
                self._delete(ask)
            case _:
                raise AssertionError(act)

    def impersonate(self, ask: Ask) -> None:
        """Let another bot of the same name answer an ask."""
        self._say("describe/impostor_bot", self._marks(ask, self.new_id()) | {"nonce": ask.nonce})

    def read_back(self) -> list[GatewayEvent]:
        """Return the history, oldest first."""
        ordered = sorted(self.history.values(), key=lambda message: int(message["id"]))
        return [event_of({"see": {"event": HISTORY, "payload": message}}) for message in ordered]

    # ── what is said ──

    def _tell(self, ask: Ask, act: str) -> None:
        names = {"created": "CREATE", "success": "SUCCESS", "failure": "FAILURE"}
        if ask.user == USER:
            payload = {"id": ask.interaction_id, "nonce": ask.nonce}
            self._push({"event": f"INTERACTION_{names[act]}", "payload": payload})

    def _marks(self, ask: Ask, message_id: str) -> Json:
        who = {"id": ask.interaction_id, "user": {"id": ask.user}}
        return {"id": message_id, "interaction": who, "interaction_metadata": who}

    def _create(self, ask: Ask, case: str, *, nonce: bool) -> None:
        ask.message_id = self.new_id()
        self.owners[ask.message_id] = ask.owner
        changes = self._marks(ask, ask.message_id) | ({"nonce": ask.nonce} if nonce else {})
        self._say(f"{ask.verb}/{case}", changes, [] if nonce else ["nonce"])

    def _create_error(self, ask: Ask, name: str, changes: Json, *, nonce: bool) -> None:
        message_id = self.new_id()
        self.owners[message_id] = ask.owner
        answers = "interaction_metadata" in PAYLOADS[name].content["payload"]
        marks = self._marks(ask, message_id) if answers else {"id": message_id}
        self._say(name, marks | changes | ({"nonce": ask.nonce} if nonce else {}))

    def _finish(self, ask: Ask, *, partial: bool) -> None:
        text = f"1️⃣ drawn for {ask.number}"
        if ask.verb == "info":
            embed: Json = {"type": "rich", "title": "Your info - tester", "description": text}
            self._edit(ask, "info/info", {"embeds": [embed]})
            return
        image = {"url": f"http://127.0.0.1/ephemeral-attachments/1/2/{ask.upload}.png?ex=1"}
        changes: Json = {"embeds": [{"type": "rich", "description": text, "image": image}]}
        self._edit(ask, "describe/described", changes, partial=partial)
        if ask.owner is not None:
            self.results[ask.owner] = ask.message_id

    def _edit(self, ask: Ask, name: str, changes: Json, *, partial: bool = False) -> None:
        changes = self._marks(ask, ask.message_id) | changes
        said = merged(PAYLOADS[name].content["payload"], changes)
        if ask.message_id in self.history:
            self.history[ask.message_id] = said
        if partial:
            said = {key: said[key] for key in ("id", "channel_id", "embeds", "components")}
        self._push({"event": "MESSAGE_UPDATE", "payload": said})

    def _delete(self, ask: Ask) -> None:
        message = self.history.pop(ask.message_id, None)
        if message is not None:
            payload = {"id": ask.message_id, "channel_id": message["channel_id"]}
            self._push({"event": "MESSAGE_DELETE", "payload": payload})

    def _say(self, name: str, changes: Json, without: list[str] | None = None) -> None:
        payload: dict[str, Any] = merged(PAYLOADS[name].content["payload"], changes)
        for key in without or ():
            payload.pop(key, None)
        if not payload["flags"] & _EPHEMERAL:
            kept = {key: value for key, value in payload.items() if key not in ("nonce",)}
            self.history[payload["id"]] = kept
        foreign = changes.get("interaction", {}).get("user", {}).get("id", USER) != USER
        if not (foreign and payload["flags"] & _EPHEMERAL):
            self._push({"event": "MESSAGE_CREATE", "payload": payload})

    def _push(self, dispatch: Json) -> None:
        self.pending.append({"see": dispatch})
