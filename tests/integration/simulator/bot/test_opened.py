from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.integration.simulator.scene import UUID, Setting
from waystation.simulator.bot import opened
from waystation.simulator.bot.buttons import BUTTONS, grid_rows
from waystation.simulator.bot.job import Job, Press

SOURCE = "fedcba98-7654-4210-8edc-ba9876543210"


def _pressing(label: str, setting: Setting | None = None, **fields: object) -> Job:
    setting = setting or Setting()
    button = next(button for button in BUTTONS if button.label == label)
    message = {"id": "9", "components": list(grid_rows(SOURCE)), "embeds": []}
    press = Press(message, button, label, button.custom_id)
    return setting.job("button", press=press, prompt="a fox", **fields)


def test_a_form_names_the_press_and_holds_the_prompt() -> None:
    job = _pressing("V3")
    event = opened.form_opened(job)
    assert (event["id"], event["nonce"]) == (job.interaction_id, "42")
    assert event["custom_id"] == f"MJ::RemixModal::{SOURCE}::3::1"
    assert event["components"][0]["components"][0]["value"] == "a fox"
    assert job.form is not None and job.form["custom_id"] == event["custom_id"]


def test_the_remix_form_of_a_grid_says_how_strongly_the_account_varies() -> None:
    setting = Setting()
    setting.account.standing.high_variation = False
    assert opened.form_opened(_pressing("V3", setting))["custom_id"].endswith("::3::0")
    subtle, strong = _pressing("Vary (Subtle)"), _pressing("Vary (Strong)", setting)
    assert opened.form_opened(subtle)["custom_id"].endswith("::1::0")
    assert opened.form_opened(strong)["custom_id"].endswith("::1::1")


def test_a_long_prompt_is_cut_to_what_a_field_holds() -> None:
    job = _pressing("Custom Zoom")
    job.prompt = "x" * 5000
    assert len(opened.form_opened(job)["components"][0]["components"][0]["value"]) == 4000


def test_the_iframe_of_vary_region_names_its_token_everywhere() -> None:
    job = _pressing("Vary (Region)")
    event = opened.iframe_opened(job)
    token = opened.iframe_token(job)
    assert token == UUID.replace("-", "")
    assert event["title"] == "Inpaint"
    assert event["custom_id"] == f"MJ::iframe::{token}"
    parts = urlsplit(event["iframe_path"])
    assert parts.path == "/inpaint/index.html"
    query = parse_qs(parts.query)
    assert query["custom_id"] == [event["custom_id"]]
    channel = job.ask.channel.id
    assert query["instance_id"] == [f"{channel}:936929561302675456:{event['custom_id']}"]
