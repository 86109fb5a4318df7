"""How a job looks in a terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from waystation.cli.job_view import headline, job_view, pictures, prompts, readable, sayings

JOB: dict[str, Any] = {
    "jobid": "job:1",
    "verb": "describe",
    "status": "completed",
    "created": "2026-01-01T00:00:00.000Z",
    "updated": "2026-01-01T00:00:02.500Z",
    "channel": "2",
    "content": "",
    "embeds": [{"description": "1️⃣ a fox --ar 3:2\n\n2️⃣ [bold]an owl[/] --ar 3:2"}],
    "attachments": [{"url": "https://example.org/a.png"}, {"id": "1"}],
    "code": 200,
}


def drawn(job: Mapping[str, Any], width: int = 200) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width)
    for part in job_view(job):
        console.print(part, overflow="ignore", crop=False)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_completed_job_says_how_long_it_took() -> None:
    assert headline(JOB).plain == "✓ describe completed in 2.5 s"


def test_a_job_that_runs_has_no_duration() -> None:
    assert headline(JOB | {"status": "started"}).plain == "… describe started"


def test_a_short_form_of_the_api_is_enough() -> None:
    short = {"jobid": "job:1", "status": "moderated", "error": "Invalid link", "code": 422}
    short["errorDetails"] = "filtered\x1b"
    assert headline(short).plain == "✗ job moderated: Invalid link"
    assert drawn(short)[:2] == ["✗ job moderated: Invalid link", "  filtered\\x1b"]


def test_odd_dates_do_no_harm() -> None:
    assert headline(JOB | {"updated": "yesterday"}).plain == "✓ describe completed"
    assert headline({}).plain == "… job unknown"


def test_prompts_are_the_paragraphs_of_the_embed() -> None:
    assert prompts(JOB) == ["1️⃣ a fox --ar 3:2", "2️⃣ [bold]an owl[/] --ar 3:2"]
    assert prompts({}) == []
    assert prompts({"embeds": [{"title": "x"}]}) == []


def test_the_same_words_are_not_said_twice() -> None:
    job = {"content": "hours: 3", "embeds": [{"title": "Your info", "description": "hours: 3"}]}
    assert sayings(job) == ["Your info", "hours: 3"]


def test_the_words_of_the_bot_are_shown_for_eyes() -> None:
    said = "**Renewal**: <t:1767225600:F>, <t:999999999999999>, a *star*"
    assert readable(said) == "Renewal: 2026-01-01 00:00 UTC, <t:999999999999999>, a *star*"


def test_lists_that_are_none_are_skipped() -> None:
    assert sayings({"embeds": "odd"}) == []
    assert list(pictures({"attachments": [1, None, {"url": ""}]})) == []


def test_the_whole_job_shows_fields_words_and_pictures() -> None:
    assert drawn(JOB) == [
        "✓ describe completed in 2.5 s",
        "  jobid    job:1",
        "  created  2026-01-01T00:00:00.000Z",
        "  updated  2026-01-01T00:00:02.500Z",
        "  channel  2",
        "  code     200",
        "",
        "  1️⃣ a fox --ar 3:2",
        "",
        "  2️⃣ [bold]an owl[/] --ar 3:2",
        "",
        "https://example.org/a.png",
    ]


def below(field: str, value: object, width: int = 200, **others: object) -> list[str]:
    """Return the lines that show a field, without its name."""
    job = {"jobid": "job:1", "status": "completed", field: value, **others}
    lines = drawn(job, width)
    first = next(n for n, line in enumerate(lines) if line.strip().startswith(field))
    column = len("  " + max(field, "jobid", *others, key=len) + "  ")
    shown = [line[column:] for line in lines[first:] if line.startswith(" ")]
    return shown[: len(shown) - len(others)]


def test_a_press_is_named_with_its_button() -> None:
    press = {"verb": "button", "button": "Vary (Strong)", "status": "completed"}
    assert headline(press).plain == "✓ button Vary (Strong) completed"


def test_a_label_is_never_folded() -> None:
    labels = ["U1", "Vary (Strong)", "Vary (Region)", "⬅️"]
    assert below("buttons", labels, width=40) == ["U1 · Vary (Strong) ·", "Vary (Region) · ⬅️"]
    assert below("buttons", labels) == ["U1 · Vary (Strong) · Vary (Region) · ⬅️"]


def test_children_are_a_table_that_is_never_folded() -> None:
    children = [
        {"button": "V1", "jobid": "job:" + "2" * 40, "messageId": "7"},
        {"button": "Zoom Out 2x", "jobid": "job:3"},
        {"button": None, "jobid": "job:4"},
    ]
    assert below("children", children, width=40) == [
        "V1           job:" + "2" * 40,
        "Zoom Out 2x  job:3",
        "             job:4",
    ]


def test_links_of_single_pictures_are_numbered_lines() -> None:
    links = [{"id": 1, "url": "https://example.org/0_0.png"}, {"id": 2, "url": "https://x/1"}]
    assert below("imageUx", links) == ["1  https://example.org/0_0.png", "2  https://x/1"]


def test_settings_are_a_table_in_place_of_the_bots_words() -> None:
    settings = {"mode": "fast", "remix": False, "options": {"Sticky Style": True, "A": False}}
    assert below("settings", settings) == [
        "mode     fast",
        "remix    off",
        "options  Sticky Style  on",
        "         A             off",
    ]
    acts = {"mode": "fast", "options": {"Reset Settings": False}}
    assert below("settings", acts) == ["mode  fast"]
    assert drawn({"settings": settings, "content": "Adjust your settings"})[-1].endswith("off")


def test_prompts_are_numbered_as_their_buttons_are() -> None:
    assert below("prompts", ["a fox", "[b]fox"]) == ["1  a fox", "2  [b]fox"]


def test_of_a_seed_its_value_is_shown() -> None:
    seed = {"content": "**fox**\n**seed** 7", "value": 7}
    job = {"jobid": "job:1", "status": "completed", "seed": seed, "content": seed["content"]}
    assert drawn(job) == ["✓ job completed", "  jobid  job:1", "  seed   7"]


def test_a_caption_is_shown_without_the_one_it_answers() -> None:
    assert readable("**a fox --v 7** - <@12> (fast)") == "a fox --v 7 (fast)"
    assert readable("**a fox** - Image #2 <@12>") == "a fox - Image #2"
    assert readable("**a fox** - Variations by <@!12> (fast)") == "a fox - Variations (fast)"
    film = "**a fox --video** [(Open on website)](<https://example.org/jobs/1>) - <@12> (fast)"
    assert readable(film) == "a fox --video (fast)"


def test_foreign_words_steer_no_terminal_wherever_they_stand() -> None:
    """R49."""
    odd = "\x1b[31m"
    job = {
        "prompt": odd,
        "buttons": [odd],
        "children": [{"button": odd, "jobid": odd}],
        "settings": {odd: odd, "options": {odd: True}},
        "prompts": [odd],
        "seed": {"value": odd},
        "new": {},
        "newer": [],
    }
    assert odd not in "".join(drawn(job))


def test_a_foreign_field_name_steers_no_terminal() -> None:
    job = {"jobid": "job:1", "status": "completed", "\x1b]0;owned\x07[red]": "x"}
    shown = "\n".join(drawn(job))
    assert "\x1b]" not in shown and "\\x1b]0;owned\\x07[red]" in shown
