"""The verdict on identical prompts: which ends are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.swaps import Asked, Verdict
from waystation import sentences

APART = {"status": "failed", "error": sentences.NOT_TOLD_APART.text}


def verdict(**of_ghost: Any) -> Verdict:
    """Return the verdict on two jobs with one prompt: a ghost, and one that was not told apart."""
    ghost: dict[str, Any] = {
        "nonce": "1",
        "hash": None,
        "late": None,
        "channel": "c",
        "ghost": 1,
        "submitted_at": 1,
        **of_ghost,
    }
    later = {**ghost, "nonce": "2", "ghost": 0, "late": None, "hash": None, "channel": "c"}
    later["submitted_at"] = 2
    pages = [
        {"nonce": one, "interaction_id": one, "by_hand": False, "indistinguishable_from": twins}
        for one, twins in (("1", ["anybody"]), ("2", []))
    ]
    asked = [Asked("c", "a fox", {"jobid": jobid, **APART}) for jobid in ("ghost", "later")]
    return Verdict(asked, pages, {"ghost": ghost, "later": later}, {})


def test_a_job_beside_a_ghost_of_its_prompt_may_not_be_told_apart() -> None:
    judged = verdict()
    assert [judged.end(one) for one in judged.asked] == ["apart", "apart beside a ghost"]
    assert list(judged.wrong()) == []


@pytest.mark.parametrize(
    "of_ghost",
    [{"hash": "u"}, {"late": {}}, {"channel": "d"}, {"ghost": 0}, {"submitted_at": 3}],
)
def test_a_job_without_a_ghost_beside_it_must_be_told_apart(of_ghost: dict[str, Any]) -> None:
    assert verdict(**of_ghost).end(verdict().asked[1]) == "apart without need"
