from __future__ import annotations

import pytest

from waystation.simulator.bot.forms import FORMS, form_payload, read_form
from waystation.simulator.discord.refusals import Refused
from waystation.simulator.payload import Payload, decode

DOCUMENTED = {
    "custom_zoom": ("MJ::OutpaintCustomZoomModal::u", "MJ::OutpaintCustomZoomModal::prompt"),
    "remix": ("MJ::RemixModal::u::2::1", "MJ::RemixModal::new_prompt"),
    "imagine": ("MJ::ImagineModal::m", "MJ::ImagineModal::new_prompt"),
    "pan": ("MJ::PanModal::left::u::2", "MJ::PanModal::prompt"),
    "animate": ("MJ::AnimateModal::u::2::high::0", "MJ::AnimateModal::prompt"),
    "describe": ("MJ::Picreader::Modal::2", "MJ::Picreader::Modal::PromptField"),
}
PARTS = {
    "uuid": "u",
    "tile": 2,
    "strength": 1,
    "message": "m",
    "side": "left",
    "motion": "high",
    "extends": 0,
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_has_its_documented_ids(name: str) -> None:
    form = FORMS[name]
    assert (form.custom_id.format(**PARTS), form.field_id) == DOCUMENTED[name]


def _sent(custom_id: str, *fields: Payload) -> Payload:
    rows = [{"type": 1, "components": [field]} for field in fields]
    return {"id": "1", "custom_id": custom_id, "components": rows}


OPENED = form_payload(FORMS["pan"], "MJ::PanModal::up::u::1", "old")
FIELD = {"type": 4, "custom_id": "MJ::PanModal::prompt", "value": "a new fox"}


def test_written_values_come_back() -> None:
    assert read_form(OPENED, _sent(OPENED["custom_id"], FIELD)) == "a new fox"


@pytest.mark.parametrize(
    "sent",
    [
        _sent("MJ::PanModal::down::u::1", FIELD),
        _sent(OPENED["custom_id"]),
        _sent(OPENED["custom_id"], FIELD | {"custom_id": "MJ::RemixModal::new_prompt"}),
        _sent(OPENED["custom_id"], FIELD, FIELD),
        _sent(OPENED["custom_id"], FIELD | {"value": "  "}),
        _sent(OPENED["custom_id"], FIELD | {"value": 5}),
        _sent(OPENED["custom_id"], FIELD | {"value": "x" * 4001}),
        {"custom_id": OPENED["custom_id"], "components": "none"},
    ],
)
def test_anything_else_is_an_invalid_form(sent: Payload) -> None:
    with pytest.raises(Refused) as refused:
        read_form(OPENED, sent)
    assert refused.value.effect.status == 400
    assert decode(refused.value.effect.body)["code"] == 50035
