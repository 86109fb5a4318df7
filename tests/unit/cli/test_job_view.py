"""How a job looks in a terminal."""

from __future__ import annotations

import io
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


def drawn(job: dict[str, Any]) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=200)
    for part in job_view(job):
        console.print(part)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_completed_job_says_how_long_it_took() -> None:
    assert headline(JOB).plain == "✓ describe completed in 2.5 s"


def test_a_job_that_runs_has_no_duration() -> None:
    assert headline(JOB | {"status": "started"}).plain == "… describe started"


def test_a_short_form_of_the_api_is_enough() -> None:
    short = {"jobid": "job:1", "status": "moderated", "error": "Invalid link", "code": 422}
    short["errorDetails"] = "filtered\x1b"
    assert headline(short).plain == "✗ job moderated: Invalid link — filtered\\x1b"


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
        "  channel  2",
        "  created  2026-01-01T00:00:00.000Z",
        "  updated  2026-01-01T00:00:02.500Z",
        "  code     200",
        "",
        "  1️⃣ a fox --ar 3:2",
        "",
        "  2️⃣ [bold]an owl[/] --ar 3:2",
        "",
        "https://example.org/a.png",
    ]
