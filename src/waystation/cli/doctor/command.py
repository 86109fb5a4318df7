"""waystation doctor: the command."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from waystation.cli.exits import Exit
from waystation.cli.options import Config, Json
from waystation.cli.remote import service_url
from waystation.cli.screen import Grid, Screen, indented, opened, plain

if TYPE_CHECKING:
    from waystation.cli.doctor.examination import Result
    from waystation.settings import Settings

__all__ = ["doctor"]


def doctor(config: Config = None, as_json: Json = False) -> None:
    """Look at settings, database, key, mail, clock, Discord, accounts and jobs; name the mend.

    The exit code is 1 when something cannot work; warnings alone leave it 0.
    """
    from waystation import logs, settings

    with opened(as_json) as screen:
        found = settings.load(config)
        logs.configure("error", "console")
        if not as_json:
            screen.show(Text("settings in use", "bold"), indented(_settings_table(found)))
        results = asyncio.run(_run(found, screen))
        findings = [finding for _, each in results for finding in each]
        errors = sum(finding.level == "error" for finding in findings)
        warnings = sum(finding.level == "warning" for finding in findings)
        if as_json:
            screen.give(_as_json(found, results, healthy=errors == 0))
        else:
            screen.show(_verdict(errors, warnings))
        raise typer.Exit(Exit.FAILED if errors else Exit.OK)


async def _run(settings: Settings, screen: Screen) -> list[Result]:
    from waystation.cli.doctor.examination import examine
    from waystation.cli.doctor.findings import findings_view

    results = []
    async for title, findings in examine(settings):
        results.append((title, findings))
        if not screen.as_json:
            screen.show(findings_view(title, findings))
    return results


def _in_use(settings: Settings) -> tuple[Settings, Mapping[str, str]]:
    """Return the settings with the URL that commands use, and where each value came from."""
    used = service_url(settings)
    if used == settings.url:
        return settings, settings.origins
    return replace(settings, url=used), {**settings.origins, "url": "WAYSTATION_PORT"}


def _settings_table(settings: Settings) -> Grid:
    from waystation.settings import SETTINGS

    table = Grid("setting", "from", "value")
    settings, origins = _in_use(settings)
    for row in SETTINGS:
        origin = origins.get(row.name, "default")
        value = settings.shown(row.name) or "(not set)"
        style = "dim" if origin == "default" else ""
        cells = (row.variable, origin, value)
        table.add_row(*(plain(cell, style) for cell in cells))
    return table


def _as_json(settings: Settings, results: list[Result], *, healthy: bool) -> dict[str, object]:
    from waystation.settings import SETTINGS

    settings, origins = _in_use(settings)
    return {
        "ok": healthy,
        "findings": [
            {"check": title, "level": each.level, "what": each.what, "mend": each.mend or None}
            for title, findings in results
            for each in findings
        ],
        "settings": [
            {
                "name": row.variable,
                "value": settings.plain(row.name),
                "from": origins.get(row.name, "default"),
            }
            for row in SETTINGS
        ],
    }


def _verdict(errors: int, warnings: int) -> Text:
    if errors:
        return Text(f"\n{errors} to mend, {warnings} to know", "bold red")
    if warnings:
        return Text(f"\nnothing to mend, {warnings} to know", "bold yellow")
    return Text("\nall is well", "bold green")
