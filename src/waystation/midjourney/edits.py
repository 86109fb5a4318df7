"""Edits: presses that are answered by an edit of the very message that was pressed (R21).

Every other press is answered by a message of its own; an edit of the pressed message only shows it
in other colours then.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from waystation.jobs import Button, Job, Modal, Shown
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.replies import ReplyKind

__all__ = ["EDITS", "edit_of", "finishes", "in_history", "opened_settings", "option_of", "wanted"]

EDITS: Mapping[str, ReplyKind] = {
    "MJ::Picread::Retry": ReplyKind.DESCRIBED,
    "MJ::Job::PromptAnalyzerExtended": ReplyKind.SHORTENED,
    "MJ::Settings::": ReplyKind.SETTINGS,
}
"""How a custom_id begins → what its message says after the press.

Source: wire notes 3.4, 5.1 (describe 🔄) and 5.4; the second by analogy
"""

_HEART = "MJ::BOOKMARK::"
"""How the custom_id of ❤️ begins, which is answered by a sentence. Source: wire notes 3.4, 4.4"""


def edit_of(custom_id: str | None) -> ReplyKind | None:
    """Return what the pressed message will say, None where the answer is another message."""
    found = (kind for start, kind in EDITS.items() if custom_id and custom_id.startswith(start))
    return next(found, None)


def finishes(job: Job, kind: ReplyKind) -> bool:
    """Tell whether a message of this kind is what a job waits for."""
    if _is_heart(job):
        return kind is ReplyKind.RATED
    edited = edit_of(job.pressed)
    return kind is edited if edited is not None else kind in COMMANDS[job.verb].finished_by


def in_history(job: Job) -> bool:
    """Tell whether a job's answer can be read back.

    An edit leaves no trace of when it was made, and a heart is answered to the presser only.
    """
    leaves_a_trace = edit_of(job.pressed) is None and not _is_heart(job)
    return COMMANDS[job.verb].reply_in_history and leaves_a_trace


def _is_heart(job: Job) -> bool:
    return job.pressed is not None and job.pressed.startswith(_HEART)


# ── one option of the settings ──


def option_of(job: Job, buttons: Sequence[Button]) -> Button | None:
    """Return the option that a settings job changes, by its label without regard to case."""
    wanted = str(job.params.get("option", "")).casefold()
    return next((one for one in buttons if one.label.casefold() == wanted), None)


def wanted(job: Job, option: Button) -> bool:
    """Tell whether an option is as the job wants it, so that nothing needs to be pressed."""
    return job.params.get("state") == ("on" if option.is_on else "off")


def opened_settings(shown: Shown, option: Button) -> Modal:
    """Return the settings as what waits for a press of one option."""
    return Modal(shown.message_id, option.custom_id, flags=shown.flags or 0, value=option.value)
