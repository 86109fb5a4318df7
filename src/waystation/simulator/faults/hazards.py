"""HAZARDS: what makes it hard to tell whose a drawn result is, one row each.

They differ from `faults.FAULTS` in that hardly anything goes wrong: the bot has been seen to do
all of these. Each bends a drawn job's timeline, its prompt, or what a press opens. They are
switched on in the same way, and several add up. Source: wire notes 4.2 to 4.4, 4.11 and 9.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from waystation.simulator.bot import captions, prompts
from waystation.simulator.bot.buttons import row, web_link
from waystation.simulator.bot.job import Caption, Ending, Job, Scene
from waystation.simulator.bot.timeline import (
    At,
    Kind,
    Step,
    Timeline,
    deleted_first,
    insert,
    replying,
    without_result,
)
from waystation.simulator.discord.messages import Draft
from waystation.simulator.discord.refusals import error_effect
from waystation.simulator.faults.fault import Fault, Place, scripted
from waystation.simulator.payload import Payload
from waystation.wire.message import MessageFlag

__all__ = ["HAZARDS"]

Bend = Callable[[Step], Step]


def _where(timeline: Timeline, concerns: Callable[[Step], bool], bend: Bend) -> Timeline:
    return tuple(bend(step) if concerns(step) else step for step in timeline)


def _is_result(step: Step) -> bool:
    return step.ends is not None and step.kind in (Kind.RESULT, Kind.UPDATE, Kind.CREATE)


def _without(timeline: Timeline, *kinds: Kind) -> Timeline:
    return tuple(step for step in timeline if step.kind not in kinds)


# Fewer signs.


def _nonce_on_result(params: Payload, timeline: Timeline) -> Timeline:
    return _where(timeline, _is_result, lambda step: replace(step, nonce=True))


def _missing_nonce(params: Payload, timeline: Timeline) -> Timeline:
    return _where(timeline, lambda step: step.first, lambda step: replace(step, nonce=False))


def _missing_metadata(params: Payload, timeline: Timeline) -> Timeline:
    spoken = (Kind.CREATE, Kind.RESULT)
    return _where(
        timeline, lambda step: step.kind in spoken, lambda step: replace(step, traced=False)
    )


def _missing_progress(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(step for step in timeline if not step.progress)


def _anonymous_progress(params: Payload, timeline: Timeline) -> Timeline:
    return _where(timeline, lambda step: step.progress, lambda step: replace(step, discloses=False))


# Other orders and forms.


def _deferred_start(params: Payload, timeline: Timeline) -> Timeline:
    """Begin with an empty message that is edited. Source: wire notes 4.3, "deferred"."""
    bent: list[Step] = []
    for step in timeline:
        if step.first and step.kind is Kind.CREATE and step.ends is None:
            bent.append(replace(step, write=_thinking))
            bent.append(replace(step, kind=Kind.UPDATE, first=False, nonce=False, after_s=0.5))
        else:
            bent.append(step)
    return tuple(bent)


def _thinking(*_: object) -> Draft:
    return Draft(flags=int(MessageFlag.LOADING))


def _late_delete(params: Payload, timeline: Timeline) -> Timeline:
    kept = _without(timeline, Kind.DELETE)
    return (*kept, Step(Kind.DELETE, wait_s=params["seconds"]))


def _missing_delete(params: Payload, timeline: Timeline) -> Timeline:
    return _without(timeline, Kind.DELETE)


def _edited_result(params: Payload, timeline: Timeline) -> Timeline:
    """Bring the result as an edit of the progress. Source: wire notes 9.13."""
    return _where(
        _without(timeline, Kind.DELETE),
        lambda step: step.kind is Kind.RESULT,
        lambda step: replace(step, kind=Kind.UPDATE),
    )


def _vanished_late(params: Payload, timeline: Timeline) -> Timeline:
    """Take a job back when it is nearly done. Source: wire notes 4.3, late moderation."""
    gone = Step(Kind.DELETE, after_s=1.0, ends=Ending.VANISHED)
    return (*without_result(timeline), gone)


def _late_success(params: Payload, timeline: Timeline) -> Timeline:
    told = [step for step in timeline if step.kind is Kind.INTERACTION_SUCCESS]
    return insert(_without(timeline, Kind.INTERACTION_SUCCESS), At.ACKNOWLEDGED, *told)


def _late_echo(params: Payload, timeline: Timeline) -> Timeline:
    """Recolour the pressed button only when the result is there."""
    echoes = [step for step in timeline if step.kind is Kind.REVISE and step.ends is None]
    rest = tuple(step for step in timeline if step not in echoes)
    return insert(rest, At.FINAL, *echoes)


def _missing_echo(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(step for step in timeline if step.kind is not Kind.REVISE or step.ends is not None)


def _answered_at_once(params: Payload, timeline: Timeline) -> Timeline:
    """Say the answer in the first message, with its nonce. Source: wire notes 4.7, 5.2."""
    answers = [step for step in timeline if step.kind is Kind.UPDATE and step.ends is not None]
    if not answers:
        return timeline
    rest = tuple(step for step in timeline if step not in answers)
    return _where(
        rest,
        lambda step: step.first,
        lambda step: replace(
            step, write=answers[0].write, paint=answers[0].paint, ends=answers[0].ends
        ),
    )


def _cancel_deletes(params: Payload, timeline: Timeline) -> Timeline:
    """Delete the progress of a job that is given up, not edit it. Source: wire notes 4.4."""
    return _where(
        timeline,
        lambda step: step.write is captions.stopped,
        lambda step: replace(step, kind=Kind.REMOVE),
    )


# Other words.


def _unknown_wording(params: Payload, caption: Caption) -> Caption:
    opening = "Dreaming up " if caption.opening else ""
    return replace(caption, opening=opening, running=params["deed"], final=params["deed"])


def _low_variability(params: Payload, caption: Caption) -> Caption:
    def subtle(words: str) -> str:
        return words.replace("(Strong)", "(Subtle)")

    return replace(caption, running=subtle(caption.running), final=subtle(caption.final))


def _reworded(timeline: Timeline, change: Callable[[Job, Draft], Draft]) -> Timeline:
    """Change the words of a result that shows a picture."""

    def bend(step: Step) -> Step:
        write = step.write
        assert write is not None, "a result has words"

        def written(job: Job, scene: Scene) -> Draft:
            draft = write(job, scene)
            return change(job, draft) if draft.attachments else draft

        return replace(step, write=written)

    return _where(timeline, _is_result, bend)


_LINK = re.compile(r" \[[^\]]*\]\(<[^>]*>\)")
_ASKER = re.compile(r"\*\* - [^*]*?<@\d+>(?=[^*]*\Z)")


def _plain_links(params: Payload, timeline: Timeline) -> Timeline:
    """Say the link in words alone, or not at all; models before it say the words, too.

    A link in a prompt is the caller's, and stays.
    """

    def plain(job: Job, draft: Draft) -> Draft:
        prompt, stars, tail = draft.content.rpartition("**")
        bare, words = prompt + stars + _LINK.sub("", tail), params["text"]
        said = _ASKER.sub(lambda found: f"{found[0]} {words}", bare) if words else bare
        return replace(draft, content=said)

    return _reworded(timeline, plain)


def _no_buttons(params: Payload, timeline: Timeline) -> Timeline:
    def bare(job: Job, draft: Draft) -> Draft:
        return replace(draft, components=(row(web_link(job.uuid)),) if params["web"] else ())

    return _reworded(timeline, bare)


def _cut(params: Payload, prompt: str) -> str:
    length = max(0, params["length"])
    return prompt if len(prompt) <= length else prompt[:length] + params["ending"]


def _shortened(params: Payload, prompt: str) -> str:
    return params["sentence"] or prompts.shortened(prompt)


def _rewritten(params: Payload, prompt: str) -> str:
    words = prompts.rewritten(prompt)
    return f"{words} {params['flags']}".strip()


_ROWS: tuple[Fault, ...] = (
    scripted("nonce_on_result", "The result repeats the nonce.", _nonce_on_result),
    scripted("missing_nonce", "The first message has no nonce.", _missing_nonce),
    scripted("missing_metadata", "No message names the interaction it answers.", _missing_metadata),
    scripted("missing_progress", "From the start to the result at once.", _missing_progress),
    scripted(
        "anonymous_progress",
        "Progress shows no uuid: no Cancel Job, and a file name of 2023.",
        _anonymous_progress,
    ),
    scripted("deferred_start", "The first message is empty at first.", _deferred_start),
    scripted(
        "early_delete",
        "The progress is deleted before the result comes.",
        lambda params, timeline: deleted_first(timeline),
    ),
    scripted(
        "late_delete", "The progress is deleted long after the result.", _late_delete, seconds=1.0
    ),
    scripted("missing_delete", "The progress is never deleted.", _missing_delete),
    scripted("edited_result", "The result is an edit of the progress.", _edited_result),
    scripted(
        "result_replies",
        "The result replies to its own progress.",
        lambda params, timeline: replying(timeline),
    ),
    scripted("late_success", "INTERACTION_SUCCESS comes after the first message.", _late_success),
    scripted("late_echo", "The pressed message is recoloured after the result.", _late_echo),
    scripted("missing_echo", "The pressed message is not recoloured.", _missing_echo),
    scripted(
        "answered_at_once", "The first message is the answer, with the nonce.", _answered_at_once
    ),
    scripted(
        "vanished_late",
        "The progress is deleted after its last report, and no result comes.",
        _vanished_late,
    ),
    scripted(
        "cancel_deletes", "Cancel Job deletes the progress in place of (Stopped).", _cancel_deletes
    ),
    Fault(
        "rewritten_prompt",
        "The prompt comes back in other words: spaces, dashes, order of parameters, flags.",
        {"flags": ""},
        prompt=_rewritten,
    ),
    Fault(
        "short_links",
        "URLs in the prompt come back as short links.",
        {},
        prompt=lambda params, prompt: prompts.with_short_links(prompt),
    ),
    Fault(
        "unknown_wording_of_caption",
        "The caption names a deed, and opens with words, that nobody has seen before.",
        {"deed": "Frobnicated (Wild) by"},
        caption=_unknown_wording,
    ),
    Fault(
        "low_variability",
        "Variations are (Subtle) in place of (Strong), as low variability mode makes them.",
        {},
        caption=_low_variability,
    ),
    Fault(
        "cut_prompt",
        "The prompt comes back cut, with an ending in place of the rest.",
        {"length": 100, "ending": ""},
        prompt=_cut,
    ),
    Fault(
        "shortened_prompt",
        "The prompt comes back without some of its words, or as another sentence.",
        {"sentence": ""},
        prompt=_shortened,
    ),
    scripted(
        "plain_links",
        "The result's link is plain text, or missing where the text is empty.",
        _plain_links,
        text="(Open on website for full quality)",
    ),
    scripted(
        "no_buttons",
        "The result has no buttons, or with `web` only a link.",
        _no_buttons,
        web=False,
    ),
    Fault("no_form", "A press that would open a form starts at once.", {}, keeps_closed=True),
    Fault(
        "expired_form",
        "404, code 10062: the form is no longer known; meant for the command `modal`.",
        {"route": "interactions"},
        Place.HTTP,
        http=lambda params: error_effect("unknown_interaction"),
    ),
    Fault(
        "older_activity",
        "404: the activity of Vary (Region) has the older of its two paths only.",
        {"route": "activity.newer"},
        Place.HTTP,
        http=lambda params: error_effect("not_found"),
    ),
)

HAZARDS: Mapping[str, Fault] = {row.name: row for row in _ROWS}
"""Every hazard by its name."""
