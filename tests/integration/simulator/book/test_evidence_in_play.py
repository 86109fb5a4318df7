"""The book's evidence against a reader who has nothing but the events of the gateway."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from tests.integration.simulator.conftest import Start
from waystation.simulator.book.evidence import is_tied
from waystation.simulator.faults.hazards import HAZARDS

Json = dict[str, Any]
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MIXED = (
    *("nonce_on_result", "missing_nonce", "missing_metadata", "missing_progress"),
    *("anonymous_progress", "deferred_start", "early_delete", "missing_delete", "edited_result"),
    *("result_replies", "late_success", "job_queued", "duplicate_message", "partial_update"),
    *("reordered", "missing_create", "no_interaction_events"),
)


class Reader:
    """Follows nonces, interactions, message ids and uuids; guesses nothing."""

    def __init__(self) -> None:
        self.nonce_of: dict[str, str] = {}
        """By interaction id, message id of a start, or uuid."""
        self.results: dict[str, set[str]] = {}
        """Uuids of results by the nonce they are tied to."""
        self._finals: list[Json] = []

    def read(self, name: str, data: Json) -> None:
        if name.startswith("INTERACTION_"):
            self.nonce_of[data["id"]] = data["nonce"]
        elif name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            own = [b for row in data.get("components", ()) for b in row["components"]]
            if any("upsample" in b.get("custom_id", "") for b in own):
                self._finals.append(data)
            self._start(data)

    def _start(self, data: Json) -> None:
        interaction = data.get("interaction_metadata", {}).get("id", "")
        nonce = data.get("nonce") or self.nonce_of.get(interaction)
        nonce = nonce or self.nonce_of.get(data["id"])
        if nonce is None or data.get("embeds"):
            return
        self.nonce_of[data["id"]] = nonce
        for uuid in UUID.findall(str(data.get("components")) + str(data.get("attachments"))):
            self.nonce_of[uuid] = nonce

    def close(self) -> None:
        """Tie the results, now that everything was heard."""
        for data in self._finals:
            self._start(data)
            uuid = UUID.findall(str(data["components"]))[0]
            reference = data.get("message_reference", {}).get("message_id", "")
            signs = (data["id"], uuid, reference)
            for nonce in {self.nonce_of[sign] for sign in signs if sign in self.nonce_of}:
                self.results.setdefault(nonce, set()).add(uuid)


def test_the_mixture_names_hazards_that_exist() -> None:
    faults = {"job_queued", "duplicate_message", "partial_update", "reordered", "missing_create"}
    assert set(MIXED) <= set(HAZARDS) | faults | {"no_interaction_events"}


@pytest.mark.parametrize("seed", range(6))
async def test_a_job_is_tied_exactly_if_a_reader_can_tie_it(start: Start, seed: int) -> None:
    client = await start(seed=seed + 1, rate_limits=False)
    await client.identify()
    client.account.standing.concurrency = 100
    rng = Random(seed)
    for _ in range(30):
        for name in rng.sample(MIXED, rng.randint(0, 5)):
            quick: dict[str, Any] = {"start_after_s": 0.001} if name == "job_queued" else {}
            client.sim.fault(name, count=1, **quick)
        await client.send("imagine", prompt="fox")
    reader = Reader()
    for name, data in await client.events():
        reader.read(name, data)
    reader.close()
    pages = client.sim.book
    assert {page["status"] for page in pages} == {"completed"}
    for page in pages:
        tied = reader.results.get(page["nonce"], set())
        assert tied == ({page["uuid"]} if is_tied(page) else set()), page
    blind = [page for page in pages if not is_tied(page)]
    assert 0 < len(blind) < len(pages)
    for page in pages:
        twins = {
            other["interaction_id"]
            for other in blind
            if _at_once(page, other) and not (is_tied(page, other) or is_tied(other, page))
            if not (_shown_before(page, other) or _shown_before(other, page))
        }
        expected = twins - {page["interaction_id"]} if page in blind else set()
        assert set(page["indistinguishable_from"]) == expected


def _shown_before(one: Json, other: Json) -> bool:
    return one["uuid_at_s"] is not None and one["uuid_at_s"] < other["accepted_at_s"]


def _at_once(one: Json, other: Json) -> bool:
    latest = max(each["said_at_s"] or each["accepted_at_s"] for each in (one, other))
    return bool(latest <= min(one["final_at_s"], other["final_at_s"]))
