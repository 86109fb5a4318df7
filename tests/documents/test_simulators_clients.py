"""The table of clients in the simulator's README names those that the tests run, and how."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

HERE = Path(__file__).parents[1] / "clients"
README = resources.files("waystation.simulator").joinpath("README.md").read_text("utf-8")

OF_THE_SERVICE = {"generated", "standard_webhooks", "vendor"}
"""Programs that our own API is for, not Discord's."""

_CLIENT = re.compile(r"`([\w.-]+)`(?: ([\d.]+))?( ✓)?")
_PINNED = re.compile(r"^([\w.-]+)==([\d.]+)$", re.MULTILINE)


def _rows() -> list[list[str]]:
    table = README.split("## Clients, and how to point them here")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _run() -> Iterator[tuple[str, str]]:
    for folder in HERE.iterdir():
        if folder.name in OF_THE_SERVICE or not folder.is_dir():
            continue
        if (folder / "client.in").exists():
            yield from _PINNED.findall((folder / "client.in").read_text("utf-8"))
        elif (folder / "package.json").exists():
            yield from json.loads((folder / "package.json").read_text())["dependencies"].items()


def test_the_table_marks_the_clients_that_run_in_the_tests() -> None:
    marked = {found[:2] for row in _rows() for found in _CLIENT.findall(row[0]) if found[2]}
    assert marked == {*_run(), ("discord.py", "")}


def test_each_client_is_told_where_rest_and_gateway_are() -> None:
    rows = _rows()
    assert all(len(row) == 3 and all(row) for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
