"""No setting is without effect."""

from __future__ import annotations

import re

import pytest

from tests.documents.readme import ROOT
from waystation.settings import SETTINGS

_READ_IN_SETTINGS = {"database_url": "database_path", "allow_networks": "reachable_networks"}
"""Settings that are read through a property."""

_SOURCE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (ROOT / "src" / "waystation").rglob("*.py")
    if path.name != "settings.py"
)


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_a_setting_is_used(name: str) -> None:
    read_as = _READ_IN_SETTINGS.get(name, name)
    assert re.search(rf"\b(settings|found)\.{read_as}\b", _SOURCE), f"nothing reads {name}"
