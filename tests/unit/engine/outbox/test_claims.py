from __future__ import annotations

from tests.fakes import START
from tests.harness.due_store import callback
from waystation.engine.outbox.claims import Claim, Unclaimed


def test_a_step_without_claims_writes_its_callbacks_as_due() -> None:
    claims = Unclaimed()
    assert claims.claiming() is None
    claims.take([callback()], Claim(START, 0.0))
