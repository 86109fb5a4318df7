"""Every row of FAULTS through the whole service: what the caller sees, and what is left behind."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually
from tests.e2e.expectations import CASES, Case
from tests.e2e.outcome import Outcome, looked_up
from waystation.simulator.faults.fault import Place
from waystation.simulator.faults.faults import FAULTS

SENTENCE = re.compile(r'"message":"([^"]*)"')
"""Discord's words, inside the body that a job repeats."""

PATIENT = {"vanish_grace_s": 0.2, "blind_grace_s": 10.0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_a_fault_leads_to_what_is_expected_and_to_nothing_else(
    install: Install, case: Case
) -> None:
    assert await _outcome(install, case) == case.outcome


def _is_refusal(case: Case) -> bool:
    """Tell whether Discord refuses a request in words, or for an outdated command."""
    place = FAULTS[case.fault].place
    return place is Place.VERSION or (place is Place.HTTP and 400 <= _status(case) < 500)


def _status(case: Case) -> int:
    row = FAULTS[case.fault]
    assert row.http is not None
    effect = row.http(row.with_params(case.params))
    return 0 if effect.reset else effect.status


@pytest.mark.parametrize("locale", ["de", "zh-CN"])
@pytest.mark.parametrize("case", [*filter(_is_refusal, CASES)], ids=lambda case: case.id)
async def test_a_refusal_of_discord_ends_the_same_in_another_language(
    install: Install, case: Case, locale: str
) -> None:
    """The service judges by status and code; Discord's sentence is repeated and no more."""
    outcome = await _outcome(install, case, locale=locale)
    assert _wordless(_fields(outcome)) == _wordless(_fields(case.outcome))
    english = SENTENCE.findall(repr(case.outcome))
    same = set(SENTENCE.findall(repr(outcome))).intersection(english)
    assert all(one[:3].isdigit() for one in same), "the name of an HTTP status is English"


def _wordless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _wordless(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_wordless(one) for one in value]
    return SENTENCE.sub('"message":"…"', value) if isinstance(value, str) else value


async def _outcome(install: Install, case: Case, **sim_options: Any) -> Outcome:
    """Switch a fault on, ask for a job, and return everything that came of it."""
    settings = PATIENT | dict(case.settings)
    async with install(sim_options={**case.sim_options, **sim_options}, **settings) as here:
        ada = await here.person()
        url = here.photo()
        switch = await _switched_on(here, ada, case)
        posted = await _asked(here, ada, case.verb, url)
        await _ended(here, ada, case)
        outcome = _named(here, await looked_up(here, ada, url, posted))
        assert switch.fired == 1
    return outcome


def test_every_fault_has_an_expectation_and_no_expectation_is_left_over() -> None:
    assert {case.fault for case in CASES} == set(FAULTS)


def test_no_two_expectations_have_one_name() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


async def _switched_on(here: Installation, ada: Person, case: Case) -> Any:
    if not case.at_start:
        await here.equip(ada)
        await here.connected()
    switch = here.sim.fault(case.fault, count=1, params=dict(case.params))
    for name, params in case.beside:
        here.sim.fault(name, count=1, params=dict(params))
    if case.at_start:
        (channel,) = await here.equip(ada)

        async def is_halted() -> bool:
            return "pendingModMessage" in await ada.account(channel)

        await eventually(is_halted)
    return switch


async def _asked(here: Installation, ada: Person, verb: str, url: str) -> tuple[int, Any, Any]:
    own = {"describeUrl": url} if verb == "describe" else {}
    body = {"replyUrl": f"{here.outside.url}/callback", "replyRef": "ref", **own}
    return await ada.call("POST", f"/v2/jobs/{verb}", body)


async def _ended(here: Installation, ada: Person, case: Case) -> None:
    """Wait until the job is over and nothing more can come."""
    with here.records() as records:
        jobs = records.jobs()
        for job in jobs:
            await ada.final(job["jobid"])
        if case.hears:
            await here.quiet()
        pending = "select 1 from callbacks where status = 'pending'"
        await eventually(lambda: not records.rows(pending))


def _named(here: Installation, outcome: Outcome) -> Outcome:
    """Put a placeholder for the channel into the one sentence that names it."""
    status, body = outcome.post
    if set(body) <= {"error", "errorDetails", "code"}:
        channel = here.sim.accounts[0].channel_id
        body = body | {"error": body["error"].replace(channel, "{channel}")}
    return Outcome(**{**_fields(outcome), "post": (status, body)})


def _fields(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__}
