"""waystation demo: its arguments and its exit code."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from pathlib import Path

import pytest

from tests.harness.command_line import run
from waystation.cli.demo import play as module
from waystation.cli.screen import Screen


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, bool]]:
    """Replace the play by one that only notes what it was asked; a picture named `bad` fails."""
    found: list[tuple[Path, bool]] = []

    async def play(
        screen: Screen,
        picture: Path,
        *,
        folder: Path | None,
        keep: bool,
        nodes: int = 1,
        database: str | None = None,
    ) -> bool:
        assert picture.is_file()
        found.append((picture, keep))
        if picture.stem == "stopped":
            raise asyncio.CancelledError
        return picture.stem != "bad"

    monkeypatch.setattr(module, "play", play)
    return found


def _sample() -> bytes:
    return files("waystation.samples").joinpath("lighthouse.webp").read_bytes()


def test_a_file_that_is_no_picture_is_refused_before_anything_starts(
    played: list[tuple[Path, bool]], tmp_path: Path
) -> None:
    page = tmp_path / "README.md"
    page.write_text("# words")
    assert run("demo", "--image", str(page), "--json").json["code"] == 412
    assert run("demo", "--image", str(page)).exit_code == 2
    assert played == []


def test_the_shipped_sample_is_described_unless_told_otherwise(
    played: list[tuple[Path, bool]], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.png"
    mine.write_bytes(_sample())
    assert run("demo").exit_code == 0
    assert run("demo", "--image", str(mine), "--keep").exit_code == 0
    assert [(picture.name, keep) for picture, keep in played] == [
        ("lighthouse.webp", False),
        ("mine.png", True),
    ]


@pytest.mark.parametrize(("name", "code"), [("bad", 1), ("stopped", 130)])
def test_the_exit_code_tells_how_it_went(
    played: list[tuple[Path, bool]], tmp_path: Path, name: str, code: int
) -> None:
    picture = tmp_path / f"{name}.png"
    picture.write_bytes(_sample())
    assert run("demo", "--image", str(picture)).exit_code == code


def test_a_picture_that_is_not_there_is_wrong_usage(played: list[tuple[Path, bool]]) -> None:
    assert run("demo", "--image", "nowhere.png").exit_code == 2
    assert played == []


def test_a_folder_for_the_pictures_is_made_before_anything_starts(
    played: list[tuple[Path, bool]], tmp_path: Path
) -> None:
    assert run("demo", "--save", str(tmp_path / "new")).exit_code == 0
    assert (tmp_path / "new").is_dir()
    (tmp_path / "file").touch()
    assert run("demo", "--save", str(tmp_path / "file" / "new")).exit_code == 2
    assert len(played) == 1


def test_several_nodes_need_a_postgresql_database(played: list[tuple[Path, bool]]) -> None:
    for database in ((), ("--database", "sqlite:///here.db")):
        refused = run("demo", "--nodes", "2", *database, "--json")
        assert refused.json["code"] == 412
    assert played == []
    url = "postgresql://ada@/way"
    assert run("demo", "--nodes", "2", "--database", url).exit_code == 0
    assert len(played) == 1
