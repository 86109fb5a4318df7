"""Settings as the commands read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from waystation.cli.loading import load_settings, make_data_dir
from waystation.errors import ConfigurationError
from waystation.settings import Settings


def test_a_misspelt_variable_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYSTATION_PROT", "7")
    monkeypatch.setenv("WAYSTATION_PORT", "7")
    assert load_settings().port == 7
    said = "! WAYSTATION_PROT is not a setting; did you mean `WAYSTATION_PORT`?\n"
    assert capsys.readouterr() == ("", said)


def test_the_data_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    for _ in range(2):
        make_data_dir(Settings(data_dir=path))
    assert path.stat().st_mode & 0o077 == 0


def test_a_data_directory_that_cannot_be_made_names_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be made: Not a directory") as caught:
        make_data_dir(Settings(data_dir=tmp_path / "file" / "data"))
    assert "WAYSTATION_DATA_DIR" in str(caught.value.details)
