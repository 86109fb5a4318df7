"""Pictures of a job as files."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.console import Console

from waystation.cli.saving import Saved, folder_at, named, save
from waystation.client import Client
from waystation.errors import PreconditionFailed, TransportError


class Site:
    """Hands out pages by link."""

    def __init__(self, **pages: bytes | Exception) -> None:
        self.pages = pages

    async def download(self, url: str, into: IO[bytes], **bounds: Any) -> None:
        page = self.pages[url.rpartition("/")[2].partition("?")[0]]
        if isinstance(page, Exception):
            into.write(b"half")
            raise page
        into.write(page)


def job(*names: str, **others: object) -> Mapping[str, object]:
    attachments = [{"url": f"http://x/{name}?s=1", "filename": f"{name}.webp"} for name in names]
    return {"jobid": "job:1", "status": "completed", "attachments": attachments} | others


async def saved(site: Site, what: Mapping[str, object], folder: Path) -> Saved:
    found = await save(cast(Client, site), what, folder)
    assert found is not None
    return found


async def test_every_picture_has_a_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    found = await saved(Site(fox=b"1", owl=b"2"), job("fox", "owl"), tmp_path)
    assert found.paths == [tmp_path / "fox.webp", tmp_path / "owl.webp"]
    assert [path.read_bytes() for path in found.paths] == [b"1", b"2"]
    assert sorted(tmp_path.iterdir()) == sorted(found.paths)
    assert found.as_json() == {"saved": [str(path) for path in found.paths]}


async def test_single_pictures_and_clips_are_saved_where_asked_for(tmp_path: Path) -> None:
    site = Site(**{"fox": b"1", "0_1.png": b"2", "0.mp4": b"3"})
    grid = job(
        "fox",
        imageUx=[{"id": 1, "url": "http://x/0a1b/0_1.png"}],
        videoUx=[{"id": 1, "url": "http://x/video/0a1b/0.mp4"}],
    )
    assert (await saved(site, grid, tmp_path / ".")).paths == [tmp_path / "fox.webp"]
    found = await save(cast(Client, site), grid, tmp_path, singles=True)
    assert found is not None
    names = [path.name for path in found.paths]
    assert names == ["fox.webp", "0a1b_0_1.png", "0a1b_0.mp4"]


@pytest.mark.parametrize(
    ("kind", "told", "name"),
    [
        ("WEBP", "0.mp4", "0a1b_0.webp"),
        ("WEBP", "0.png", "0a1b_0.webp"),
        ("PNG", "0.png", "0a1b_0.png"),
        ("JPEG", "0.jpeg", "0a1b_0.jpeg"),
        ("GIF", "0.mp4", "0a1b_0.gif"),
    ],
)
async def test_a_file_is_named_by_what_it_is(
    tmp_path: Path, kind: str, told: str, name: str
) -> None:
    data = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    more = {} if kind == "JPEG" else {"save_all": True, "append_images": frames[1:]}
    frames[0].save(data, kind, **more)
    site = Site(**{"fox": b"1", told: data.getvalue()})
    clip = job("fox", videoUx=[{"id": 1, "url": f"http://x/video/0a1b/{told}"}])
    found = await save(cast(Client, site), clip, tmp_path, singles=True)
    assert found is not None
    assert found.paths[1].name == name


async def test_where_nothing_is_to_be_saved_nothing_is_asked() -> None:
    assert await save(cast(Client, Site()), job("fox"), None) is None


async def test_another_file_of_that_name_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "fox.webp").write_bytes(b"mine")
    (tmp_path / "fox-2.webp").mkdir()
    (tmp_path / "fox-3.webp").symlink_to(tmp_path / "nowhere")
    found = await saved(Site(fox=b"1"), job("fox"), tmp_path)
    assert found.paths == [tmp_path / "fox-4.webp"]
    assert not (tmp_path / "nowhere").exists()
    assert (tmp_path / "fox.webp").read_bytes() == b"mine"


async def test_the_same_picture_is_not_saved_twice(tmp_path: Path) -> None:
    for _ in range(2):
        found = await saved(Site(fox=b"1"), job("fox"), tmp_path)
        assert found.paths == [tmp_path / "fox.webp"]
    assert list(tmp_path.iterdir()) == [tmp_path / "fox.webp"]


async def test_a_file_has_the_rights_that_new_files_have(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        (path,) = (await saved(Site(fox=b"1"), job("fox"), tmp_path)).paths
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


async def test_a_picture_that_cannot_be_had_leaves_the_others_and_no_half_file(
    tmp_path: Path,
) -> None:
    site = Site(fox=TransportError("http://x/fox cannot be fetched"), owl=b"2")
    found = await saved(site, job("fox", "owl"), tmp_path)
    assert found.as_json() == {
        "saved": [str(tmp_path / "owl.webp")],
        "unsaved": [{"url": "http://x/fox?s=1", "error": "http://x/fox cannot be fetched"}],
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "owl.webp"]


async def test_a_folder_that_went_away_is_told(tmp_path: Path) -> None:
    found = await saved(Site(fox=b"1"), job("fox"), tmp_path / "gone")
    assert found.failures[0][1] == f"{tmp_path / 'gone' / 'fox.webp'}: No such file or directory"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (job("fox", status="progress"), "the job is progress, not completed"),
        (job(), "the job has no picture"),
        ({"status": "completed", "attachments": "odd"}, "the job has no picture"),
        ({"status": "completed", "attachments": [1, {"url": ""}]}, "the job has no picture"),
    ],
)
async def test_a_job_without_its_pictures_is_told(
    tmp_path: Path, what: Mapping[str, object], why: str
) -> None:
    found = await saved(Site(), what, tmp_path)
    assert (found.paths, [one[1] for one in found.failures]) == ([], [why])
    assert list(tmp_path.iterdir()) == []


async def test_without_a_file_name_the_link_names_the_file(tmp_path: Path) -> None:
    bare = {"status": "completed", "attachments": [{"url": "http://x/fox?s=1"}]}
    assert (await saved(Site(fox=b"1"), bare, tmp_path)).paths == [tmp_path / "fox"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ada_a_red_fox_0a1b.webp", "ada_a_red_fox_0a1b.webp"),
        ("../../etc/passwd", "passwd"),
        ("C:\\windows\\a.png", "a.png"),
        ("..", "picture"),
        ("", "picture"),
        ("/", "picture"),
        (".bashrc", "bashrc"),
        ("-rf.png", "rf.png"),
        ("größe 漢字.png", "größe 漢字.png"),
        ("a\x1b[2J\n\u202egnp.exe", "a_2J_gnp.exe"),
        ("nul\x00byte.png", "nul_byte.png"),
    ],
)
def test_a_name_stays_in_its_folder(given: str, name: str) -> None:
    assert named(given) == name


@given(st.text(max_size=400))
def test_every_name_can_be_a_file(text: str) -> None:
    name = named(text)
    assert name and name == Path(name).name and name not in (".", "..")
    assert len(name.encode()) <= 200 and name.isprintable()


def test_a_long_name_keeps_its_suffix() -> None:
    assert named("ä" * 300 + ".webp").endswith("ä.webp")


def test_a_missing_folder_is_made_and_a_file_is_none(tmp_path: Path) -> None:
    assert folder_at(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(PreconditionFailed, match="cannot be made"):
        folder_at(tmp_path / "file" / "c")


def test_paths_are_shown_in_one_piece() -> None:
    file = io.StringIO()
    console = Console(file=file, width=20)
    for line in Saved([Path("pictures of mine/" + "fox" * 20)]).shown():
        console.print(line, overflow="ignore", crop=False)
    assert file.getvalue() == "saved pictures of mine/" + "fox" * 20 + "\n"


@pytest.mark.parametrize("given", ["-rf.png", "--help.png", " -.-x.png", "/a/-rf.png"])
def test_a_saved_name_is_no_option_of_other_programs(given: str) -> None:
    assert not named(given).startswith("-")
    assert named(given).endswith(".png")


def test_a_name_of_dashes_alone_is_a_picture() -> None:
    assert named("---") == "picture"
