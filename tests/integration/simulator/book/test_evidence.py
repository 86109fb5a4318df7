from __future__ import annotations

import pytest

from tests.build import replace
from tests.integration.simulator.scene import UUID, Setting
from waystation.simulator.book.evidence import Fact, facts_of, is_tied, mark_twins
from waystation.simulator.book.pages import page
from waystation.simulator.bot.buttons import CANCEL, row
from waystation.simulator.bot.job import Ending
from waystation.simulator.bot.timeline import Kind, Step
from waystation.simulator.discord.messages import Draft
from waystation.simulator.payload import Payload

START = Step(Kind.CREATE, write=lambda job, scene: Draft(), first=True)
REPORT = Step(Kind.UPDATE, progress=True)
RESULT = Step(Kind.RESULT, ends=Ending.COMPLETED)


def _facts(step: Step, **event: object) -> set[Fact]:
    job = Setting().job("imagine", acknowledgement={"id": "P"})
    said: Payload = {"id": "P", "attachments": [], "components": []} | event
    return set(facts_of(step, said, job, is_first=step.first))


def test_a_start_tells_its_nonce_and_its_interaction() -> None:
    assert _facts(START, nonce="1", interaction_metadata={}) == {
        Fact.START_NONCE,
        Fact.START_METADATA,
    }
    assert _facts(START) == set()


def test_a_report_tells_the_uuid_by_its_button_or_its_file_and_by_no_text() -> None:
    cancel = [row(CANCEL.component(UUID))]
    assert _facts(REPORT, components=cancel) == {Fact.PROGRESS_UUID}
    assert _facts(REPORT, attachments=[{"filename": f"{UUID}_grid_0.webp"}]) == {Fact.PROGRESS_UUID}
    assert _facts(REPORT, content=UUID) == set()
    assert _facts(REPORT, components=cancel, id="other") == set()


def test_a_result_tells_by_nonce_interaction_reference_or_its_own_id() -> None:
    assert _facts(RESULT, id="F") == set()
    assert _facts(RESULT, id="F", nonce="1") == {Fact.RESULT_NONCE}
    assert _facts(RESULT, id="F", interaction_metadata={}) == {Fact.RESULT_METADATA}
    assert _facts(RESULT, id="F", message_reference={"message_id": "P"}) == {Fact.RESULT_REFERENCE}
    assert Fact.SAME_MESSAGE in _facts(replace(RESULT, kind=Kind.UPDATE))


@pytest.mark.parametrize(
    ("facts", "tied"),
    [
        ((), False),
        ((Fact.INTERACTION, Fact.START_NONCE), False),
        ((Fact.PROGRESS_UUID, Fact.SAME_MESSAGE), False),
        ((Fact.START_METADATA, Fact.PROGRESS_UUID), False),
        ((Fact.RESULT_METADATA,), False),
        ((Fact.RESULT_NONCE,), True),
        ((Fact.INTERACTION, Fact.RESULT_METADATA), True),
        ((Fact.START_NONCE, Fact.PROGRESS_UUID), True),
        ((Fact.INTERACTION, Fact.START_METADATA, Fact.RESULT_REFERENCE), True),
        ((Fact.START_NONCE, Fact.SAME_MESSAGE), True),
        ((Fact.UUID_IN_TEXT,), True),
    ],
)
def test_a_result_is_tied_by_a_chain_without_a_gap(facts: tuple[Fact, ...], tied: bool) -> None:
    assert is_tied({"evidence": list(facts)}) is tied


def _page(number: int, **fields: object) -> Payload:
    entry = page(Setting().job().ask, number, str(number), "7", accepted_at_s=float(number))
    return entry | {"asked": "fox", "prompt": "fox", "wording": "", "final_at_s": 10.0} | fields


def _twins(*pages: Payload) -> list[list[str]]:
    mark_twins(pages)
    return [entry["indistinguishable_from"] for entry in pages]


def test_a_job_is_a_twin_of_one_whose_prompt_may_have_been_shortened_into_its_own() -> None:
    assert _twins(_page(1), _page(2, asked="a red fox", prompt="a red fox")) == [["2"], ["1"]]
    assert _twins(_page(1), _page(2, asked="a red cat", prompt="a red cat")) == [[], []]


def test_two_equal_jobs_that_nothing_ties_are_twins() -> None:
    assert _twins(_page(1), _page(2)) == [["2"], ["1"]]
    assert _twins(_page(1), _page(2), _page(3)) == [["2", "3"], ["1", "3"], ["1", "2"]]


def test_whoever_knows_one_interaction_knows_that_another_is_not_it() -> None:
    seen = [Fact.START_METADATA, Fact.PROGRESS_UUID]
    assert _twins(_page(1, evidence=seen), _page(2, evidence=[])) == [["2"], ["1"]]
    assert _twins(_page(1, evidence=seen), _page(2, evidence=[Fact.INTERACTION])) == [[], []]


def test_prompts_are_equal_as_typed_or_as_repeated() -> None:
    assert _twins(_page(1, prompt="fox --v 7"), _page(2)) == [["2"], ["1"]]
    assert _twins(_page(1, asked=" FOX"), _page(2)) == [["2"], ["1"]]


@pytest.mark.parametrize(
    "other",
    [
        {"evidence": [Fact.RESULT_NONCE]},
        {"prompt": "cat", "asked": "cat"},
        {"prompt": None},
        {"wording": "Image #1"},
        {"user_id": "another"},
        {"channel_id": "another"},
        {"source_id": "another"},
        {"accepted_at_s": 11.0},
        {"accepted_at_s": 9.0, "said_at_s": 11.0},
        {"accepted_at_s": 0.0, "final_at_s": 0.5},
        {"accepted_at_s": 0.0, "uuid_at_s": 0.5},
    ],
)
def test_whatever_tells_two_jobs_apart_makes_them_no_twins(other: Payload) -> None:
    assert _twins(_page(1), _page(2, **other)) == [[], []]


def test_a_uuid_that_was_shown_only_while_both_ran_tells_nothing_by_itself() -> None:
    assert _twins(_page(1), _page(2, accepted_at_s=0.0, uuid_at_s=2.0)) == [["2"], ["1"]]


def test_an_ask_that_never_ended_may_still_be_meant() -> None:
    assert _twins(_page(1, final_at_s=None), _page(99, final_at_s=100.0)) == [["99"], ["1"]]
