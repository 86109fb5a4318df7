from __future__ import annotations

from tests.harness.due_store import callback
from waystation.engine.outbox.claims import UNCLAIMED, Claim, Unclaimed


def test_a_step_without_claims_writes_its_callbacks_as_due() -> None:
    claims = Unclaimed()
    assert claims.claiming() == UNCLAIMED == Claim(None, 0.0)
    claims.take([callback()], UNCLAIMED)
