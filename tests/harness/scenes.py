"""Scenes: plays that have begun, for the tests of what follows."""

from __future__ import annotations

from typing import Any

from tests.build import replace
from tests.golden.corpus import Golden
from tests.harness.play import Play, new_job
from waystation.jobs import JobId, Nonce, Source

__all__ = [
    "BY_HAND",
    "NONCE",
    "describing",
    "imagining",
    "of_other_words",
    "stage",
    "started",
    "two_alike",
]

NONCE = "1400000000000000001"
BY_HAND = {"id": "1400000000000000888", "user": {"id": "1144000000000000001"}}


def stage(golden: Golden, play: Play | None = None) -> Play:
    """Accept the jobs of a golden."""
    play = play or Play()
    for name, job in golden.content["jobs"].items():
        play.nonces[JobId(name)] = Nonce(job["nonce"])
        play.admit(replace(new_job(name, job["verb"]), params=job.get("params", {})))
        if "source" in job:
            play.sources[JobId(name)] = Source(**job["source"])
    return play


def describing(verb: str = "describe") -> Play:
    """Submit a describe, or another verb."""
    play = Play([new_job("a", verb)])
    play.submit("a", NONCE)
    return play


def imagining() -> Play:
    """Submit an imagine."""
    play = Play([replace(new_job("a", "imagine"), params={"prompt": "a red fox"})])
    play.submit("a", NONCE)
    return play


def two_alike(**params: str) -> Play:
    """Submit two imagines of one prompt."""
    prompt = {"prompt": "a red fox --ar 3:2"}
    jobs = [replace(new_job(name, "imagine"), params=prompt) for name in ("a", "b")]
    play = Play(jobs)
    for number, name in enumerate("ab", start=1):
        play.submit(name, f"140000000000000000{number}")
    return play


def started(number: int) -> dict[str, Any]:
    """Return the first answer to the one or the other of two look-alikes."""
    changes = {"id": f"145648316212838400{number}", "nonce": f"140000000000000000{number}"}
    return {
        "see": "imagine/started",
        "with": changes,
        "without": ["interaction_metadata", "interaction"],
    }


def of_other_words(name: str, **changes: Any) -> dict[str, Any]:
    """Return a message to see, in which the bot has put another sentence for the prompt."""
    content = "**crimson vixen** - <@1144000000000000001> (fast)"
    return {"see": name, "with": {"content": content, **changes}}
