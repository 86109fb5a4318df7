"""FORMS: the modals that a press opens, one row each, and how a filled one is read.

Ids of modals and of their fields: wire notes 3.5. Titles and labels of fields are ours, but for the
remix form's.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from waystation.simulator.discord.refusals import invalid_form
from waystation.simulator.payload import Payload, objects
from waystation.wire.message import ComponentType

__all__ = ["FORMS", "Form", "form_payload", "read_form"]

_MAX_CHARS = 4000
_PARAGRAPH = 2


@dataclass(frozen=True, slots=True)
class Form:
    """One modal with one field."""

    name: str
    custom_id: str
    """Parts in braces come from the press: uuid, tile, strength, message, side, motion, extends."""
    field_id: str
    title: str
    label: str = "New Prompt For Image"


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "custom_zoom",
            "MJ::OutpaintCustomZoomModal::{uuid}",
            "MJ::OutpaintCustomZoomModal::prompt",
            "Zoom Out",
        ),
        Form(
            "remix",
            "MJ::RemixModal::{uuid}::{tile}::{strength}",
            "MJ::RemixModal::new_prompt",
            "Remix Prompt",
        ),
        Form(
            "imagine",
            "MJ::ImagineModal::{message}",
            "MJ::ImagineModal::new_prompt",
            "Imagine This!",
        ),
        Form("pan", "MJ::PanModal::{side}::{uuid}::{tile}", "MJ::PanModal::prompt", "Pan"),
        Form(
            "animate",
            "MJ::AnimateModal::{uuid}::{tile}::{motion}::{extends}",
            "MJ::AnimateModal::prompt",
            "Animate",
        ),
        Form(
            "describe",
            "MJ::Picreader::Modal::{tile}",
            "MJ::Picreader::Modal::PromptField",
            "Imagine This!",
        ),
    )
}
"""Every modal; Vary (Region) opens an iframe instead (`activity`)."""


def form_payload(form: Form, custom_id: str, value: str) -> Payload:
    """Write what INTERACTION_MODAL_CREATE says about a form. Source: wire notes 2.7."""
    field: Payload = {
        "type": int(ComponentType.TEXT_INPUT),
        "custom_id": form.field_id,
        "style": _PARAGRAPH,
        "label": form.label,
        "value": value,
        "required": True,
        "min_length": 1,
        "max_length": _MAX_CHARS,
    }
    rows = [{"type": int(ComponentType.ACTION_ROW), "components": [field]}]
    return {"custom_id": custom_id, "title": form.title, "components": rows}


def read_form(opened: Payload, data: Payload) -> str:
    """Return what somebody wrote into the field of an opened form.

    Raises: Refused: other ids than the opened form's, nothing written, or too much
    """
    if data.get("custom_id") != opened["custom_id"]:
        raise invalid_form("data.custom_id", "BASE_TYPE_CHOICES", "Unknown modal.")
    field_id = opened["components"][0]["components"][0]["custom_id"]
    lines = objects(data, "components")
    fields = [field for line in lines for field in objects(line, "components")]
    written = [field.get("value") for field in fields if field.get("custom_id") == field_id]
    if len(fields) != 1 or not written:
        raise invalid_form("data.components", "BASE_TYPE_CHOICES", "Unknown text input.")
    text = written[0]
    if not isinstance(text, str) or not text.strip():
        raise invalid_form("data.components", "BASE_TYPE_REQUIRED", "This field is required")
    if len(text) > _MAX_CHARS:
        raise invalid_form("data.components", "BASE_TYPE_MAX_LENGTH", "Must be 4000 or fewer.")
    return text
