"""Presses that are not answered by a picture: what their answer says, and where it stands (R21).

Most presses are answered by a message of its own with a picture; an edit of the pressed message
then only shows it in other colours. A few are answered by the edit itself, or in words.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from waystation.jobs import Button, Job, Modal, Shown
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.memory import FACES, Memory, Plain
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.results import is_choice
from waystation.wire.message import Embed

__all__ = [
    "ANSWERS",
    "Faces",
    "PressAnswer",
    "cannot_be_off",
    "edit_of",
    "face_of",
    "finishes",
    "in_history",
    "is_edit",
    "opened_settings",
    "option_of",
    "wanted",
]


@dataclass(frozen=True, slots=True)
class PressAnswer:
    """How one kind of press is answered.

    `edits`: by the pressed message itself, which then says `kind`. Neither form can be read back:
    an edit leaves no trace of when it was made, and words go to the presser only.
    """

    kind: ReplyKind
    edits: bool = True


ANSWERS: Mapping[str, PressAnswer] = {
    "MJ::Picread::Retry": PressAnswer(ReplyKind.DESCRIBED),
    "MJ::Job::PromptAnalyzerExtended": PressAnswer(ReplyKind.SHORTENED),
    "MJ::Settings::": PressAnswer(ReplyKind.SETTINGS),
    "MJ::BOOKMARK::": PressAnswer(ReplyKind.RATED, edits=False),
}
"""By how the pressed custom_id begins.

Source: wire notes 3.4; 5.1 (describe 🔄), 5.4 (settings), 4.4 (❤️); Show Details by analogy
"""


def _answer_of(custom_id: str | None) -> PressAnswer | None:
    if not custom_id:
        return None
    return next((row for start, row in ANSWERS.items() if custom_id.startswith(start)), None)


def edit_of(custom_id: str | None) -> ReplyKind | None:
    """Return what the pressed message will say, None where the answer is another message."""
    answer = _answer_of(custom_id)
    return answer.kind if answer is not None and answer.edits else None


def is_edit(kind: ReplyKind) -> bool:
    """Tell whether an edit of this kind may be the answer to a press."""
    return kind in _EDITS


_EDITS = frozenset(row.kind for row in ANSWERS.values() if row.edits)

_BEGUN = "begun"
"""The face of an empty message."""


class Faces:
    """By message, what it said when it was last seen. Bounded.

    An edit that says the same again is an echo of a press, whoever pressed: it differs in the looks
    of a button alone (R21). Links are left out, since each event signs them anew.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self._faces = (memory or Memory()).table(FACES, Plain(str))
        self._looked_at: tuple[Sequence[Embed], str | None] = ((), None)
        """The embeds of the last message and their face: it is asked for several times."""

    def see(self, shown: Shown) -> None:
        """Remember what a message says now, if it is one whose edits answer presses."""
        face = self._face_of(shown.embeds)
        if face is not None:
            self._faces[shown.message_id] = face

    def expect(self, message_id: str, face: str | None) -> None:
        """Take what a message said for its last known face, if none was seen."""
        if face is not None:
            self._faces.setdefault(message_id, face)

    def begin(self, message_id: str) -> None:
        """Remember an empty first message: what its edit says is no answer to a press."""
        self._faces.setdefault(message_id, _BEGUN)

    def may_be_pressed(self, message_id: str) -> bool:
        """Tell whether a message may have said something already, so that a press can follow."""
        return self._faces.get(message_id) != _BEGUN

    def end(self, message_id: str) -> None:
        """Remember that an empty first message says something now."""
        if not self.may_be_pressed(message_id):
            self._faces[message_id] = ""

    def is_seen(self, shown: Shown) -> bool:
        """Tell whether a message says what it said before."""
        face = self._face_of(shown.embeds)
        return face is not None and self._faces.get(shown.message_id) == face

    def _face_of(self, embeds: Sequence[Embed]) -> str | None:
        if self._looked_at[0] is not embeds:
            self._looked_at = (embeds, face_of(embeds))
        return self._looked_at[1]


def face_of(embeds: Sequence[Embed]) -> str | None:
    """Return what embeds say, in a form as short for any; None where there are none."""
    if not embeds:
        return None
    said = ((one.title, one.description, one.footer and one.footer.text) for one in embeds)
    return sha256(repr(tuple(said)).encode()).hexdigest()


def finishes(job: Job, kind: ReplyKind) -> bool:
    """Tell whether a message of this kind is what a job waits for."""
    answer = _answer_of(job.pressed)
    return kind is answer.kind if answer is not None else kind in COMMANDS[job.verb].finished_by


def in_history(job: Job) -> bool:
    """Tell whether a job's answer can be read back."""
    return COMMANDS[job.verb].reply_in_history and _answer_of(job.pressed) is None


# ── one option of the settings ──


def option_of(job: Job, buttons: Sequence[Button]) -> Button | None:
    """Return the option that a settings job changes, by its label without regard to case."""
    wanted = str(job.params.get("option", "")).casefold()
    return next((one for one in buttons if one.label.casefold() == wanted), None)


def wanted(job: Job, option: Button) -> bool:
    """Tell whether an option is as the job wants it, so that nothing needs to be pressed."""
    return job.params.get("state") == ("on" if option.is_on else "off")


def cannot_be_off(job: Job, option: Button) -> bool:
    """Tell whether a job wants to turn off what only another option of its kind can."""
    return job.params.get("state") == "off" and (
        option.value is not None or is_choice(option.label)
    )


def opened_settings(shown: Shown, option: Button) -> Modal:
    """Return the settings as what waits for a press of one option."""
    return Modal(shown.message_id, option.custom_id, flags=shown.flags or 0, value=option.value)
