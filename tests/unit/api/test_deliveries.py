from __future__ import annotations

from typing import Any

from tests.harness.face import FakeService, ask, face
from waystation.errors import Throttled


async def test_without_a_secret_nothing_is_signed() -> None:
    answered = await ask(face(), "GET", "/v2/deliveries/secret")
    assert (answered.status, answered.json) == (200, {"signs": False})


async def test_a_new_secret_is_shown_once() -> None:
    service = FakeService()
    app = face(service)
    made = await ask(app, "POST", "/v2/deliveries/secret")
    created = {"created": "2026-01-02T03:04:05.678Z"}
    assert (made.status, made.json) == (201, {"secret": "whsec_1", **created})
    read = await ask(app, "GET", "/v2/deliveries/secret")
    assert (read.status, read.json) == (200, {"signs": True, **created})


async def test_a_replaced_secret_is_told_with_its_end() -> None:
    app = face(FakeService())
    answers: list[dict[str, Any]] = [
        (await ask(app, "POST", "/v2/deliveries/secret")).json for _ in range(3)
    ]
    assert [one["secret"] for one in answers] == ["whsec_1", "whsec_2", "whsec_3"]
    # of several the one that ends last
    assert answers[-1]["formerUntil"] == "2026-01-03T03:04:03.678Z"
    read = (await ask(app, "GET", "/v2/deliveries/secret")).json
    assert read == {"signs": True, **{k: answers[-1][k] for k in ("created", "formerUntil")}}


async def test_too_many_secrets_are_429() -> None:
    service = FakeService(fails=Throttled("6 signing secrets", retry_after_s=7))
    answered = await ask(face(service), "POST", "/v2/deliveries/secret")
    assert (answered.status, answered.headers["retry-after"]) == (429, "7")
