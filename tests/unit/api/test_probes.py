from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.face import ACCOUNT, CHANNEL, USER, FakeService, ask, face


async def test_alive_is_told_to_anyone() -> None:
    answered = await ask(face(FakeService(ready=False)), "GET", "/healthz", headers={})
    assert (answered.status, answered.json) == (200, {"status": "ok"})


async def test_ready_lists_the_sessions() -> None:
    answered = await ask(face(), "GET", "/readyz", headers={})
    assert answered.status == 200
    assert answered.json == {"ready": True, "problems": [], "sessions": {"ready": 2}}


async def test_not_ready_names_the_problem_and_a_wait() -> None:
    answered = await ask(face(FakeService(ready=False)), "GET", "/readyz", headers={})
    assert answered.status == 503
    assert answered.json == {
        "ready": False,
        "problems": ["The database cannot be written."],
        "sessions": {"ready": 2},
        "error": "Not ready",
        "code": 503,
    }
    assert int(answered.headers["retry-after"]) > 0


async def test_metrics_show_totals_and_what_else_is_registered() -> None:
    registry = CollectorRegistry()
    Counter("elsewhere", "Counted elsewhere.", registry=registry).inc(5)
    app = face(metrics=registry)
    await ask(app, "GET", "/nowhere")
    answered = await ask(app, "GET", "/metrics", headers={})
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answered.body.decode())
        for sample in family.samples
    }
    assert answered.headers["content-type"].startswith("text/plain")
    assert samples["waystation_jobs", "completed"] == 7
    assert samples["waystation_gateway_sessions", "ready"] == 2
    assert samples["waystation_accounts",] == 2
    assert samples["waystation_accounts_halted",] == 1
    assert samples["waystation_callbacks_pending",] == 0
    assert samples["waystation_ready",] == 1
    assert samples["waystation_http_answers_total", "404"] == 1
    assert samples["waystation_messages_ignored_total", "settled"] == 3
    assert samples["waystation_messages_ignored_total", "foreign"] == 0
    assert samples["waystation_longest_wait_seconds", "job"] == 31.5
    assert samples["waystation_longest_wait_seconds", "slot"] == 0
    assert samples["elsewhere_total",] == 5


async def test_no_probe_names_a_user_account_or_channel() -> None:
    """R48."""
    app = face(metrics=CollectorRegistry())
    bodies = [
        (await ask(app, "GET", path, headers={})).body.decode()
        for path in ("/healthz", "/readyz", "/metrics")
    ]
    for name in (USER.email, CHANNEL, ACCOUNT.account_id + '"', ACCOUNT.masked_token):
        assert not [body for body in bodies if name in body]
