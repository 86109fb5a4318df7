"""Settings as the commands read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from waystation.cli.loading import load_settings


def test_a_misspelt_variable_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYSTATION_PROT", "7")
    monkeypatch.setenv("WAYSTATION_PORT", "7")
    assert load_settings().port == 7
    said = "! WAYSTATION_PROT is not a setting; did you mean `WAYSTATION_PORT`?\n"
    assert capsys.readouterr() == ("", said)
