from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.harness.face import JOB
from waystation.media.files import GIF, JPEG, MP4, PNG, WEBP, MediaKind
from waystation.media.labels import MOST_CHARACTERS, Label, label_of, labelled

LABEL = Label(JOB.jobid, 'a <red> fox & "friends" \u72d0\u72f8 --seed 42', "42")
KINDS = {"PNG": PNG, "JPEG": JPEG, "WEBP": WEBP}
DC = "{http://purl.org/dc/elements/1.1/}"


def _picture(form: str, mode: str = "RGB", **how: Any) -> bytes:
    image = Image.linear_gradient("L").resize((33, 21)).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    file = BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def _told(data: bytes) -> dict[str, str]:
    """Return what the packet in a picture says, by the names of its elements."""
    with Image.open(BytesIO(data)) as image:
        packet = image.info["xmp"]
    raw = packet if isinstance(packet, bytes) else packet.encode()
    tree = ElementTree.fromstring(raw.replace(b"\xef\xbb\xbf", b""))
    told = {each.tag.rpartition("}")[2]: each.text or "" for each in tree.iter()}
    return {name: told[name] for name in ("identifier", "li", "seed") if name in told}


@pytest.mark.parametrize(
    ("form", "mode", "how"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("JPEG", "RGB", {}),
        ("WEBP", "RGB", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("WEBP", "RGBA", {}),
        ("WEBP", "RGB", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}),
    ],
)
def test_a_label_is_read_by_others_and_changes_no_point(
    form: str, mode: str, how: dict[str, Any]
) -> None:
    data = _picture(form, mode, **how)
    changed = labelled(data, KINDS[form], LABEL)
    assert _told(changed) == {"identifier": LABEL.jobid, "li": LABEL.prompt, "seed": "42"}
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(changed)) as after:
        assert (before.mode, before.size) == (after.mode, after.size)
        assert (
            ImageChops.difference(before.convert("RGBA"), after.convert("RGBA")).getbbox() is None
        )


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
def test_a_packet_that_a_file_has_stays_alone(form: str) -> None:
    own = label_of(JOB, "where it is from")
    data = labelled(_picture(form), KINDS[form], own)
    assert labelled(data, KINDS[form], LABEL) == data


def test_a_png_has_the_prompt_as_a_text() -> None:
    with Image.open(BytesIO(labelled(_picture("PNG"), PNG, LABEL))) as image:
        image.load()
        assert image.info["Description"] == LABEL.prompt


def test_a_jpeg_without_its_usual_first_part_is_labelled() -> None:
    data = _picture("JPEG")
    assert data[2:4] == b"\xff\xe0"
    bare = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    assert _told(labelled(bare, JPEG, LABEL))["identifier"] == LABEL.jobid


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
def test_a_job_without_words_is_told_by_its_name(form: str) -> None:
    changed = labelled(_picture(form), KINDS[form], label_of(JOB, ""))
    assert _told(changed) == {"identifier": JOB.jobid}


def test_characters_that_no_document_may_have_are_replaced() -> None:
    label = Label(JOB.jobid, "a\x00b\x0bc\ud800d\tend ?> ]]> </rdf:li>")
    for form, kind in KINDS.items():
        words = _told(labelled(_picture(form), kind, label))["li"]
        assert words == "a\ufffdb\ufffdc\ufffdd\tend ?> ]]> </rdf:li>"


@pytest.mark.parametrize(
    ("prompt", "seed"),
    [
        ("a fox --seed 42", "42"),
        ("a fox --seed   7 --v 7", "7"),
        ("a fox --seed 42x", ""),
        ("a fox --sref 42", ""),
        ("a fox", ""),
    ],
)
def test_a_seed_is_read_from_the_prompt(prompt: str, seed: str) -> None:
    assert label_of(JOB, prompt) == Label(JOB.jobid, prompt, seed)


@pytest.mark.parametrize("sign", ["x", "&", "\u72d0", "\U0001f98a"])
def test_the_longest_prompt_fits_into_each_kind(sign: str) -> None:
    label = label_of(JOB, sign * (MOST_CHARACTERS + 1))
    for form, kind in KINDS.items():
        words = _told(labelled(_picture(form), kind, label))["li"]
        assert words == sign * MOST_CHARACTERS


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (GIF, b"GIF89a" + bytes(10)),
        (MP4, b"\x00\x00\x00\x20ftypisom" + bytes(20)),
        (PNG, b"\x89PNG\r\n\x1a\n" + bytes(60)),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBP"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPVP8 \xff\xff\x00\x00abc"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPVP8 \x04\x00\x00\x00abcd"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00abc\x9d\x01\x2a\0\0\0\0"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPVP8L\x02\x00\x00\x00\x2f\x00"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPANIM\x02\x00\x00\x00\x2f\x00"),
        (WEBP, b"RIFF\x00\x00\x00\x00WEBPVP8"),
        (JPEG, b"\xff\xd8\xff"),
        (JPEG, b"\xff\xd8\xff\xe0\x00"),
        (JPEG, b"\xff\xd8\xff\xe0\x00\x04ab\x00\x00"),
    ],
)
def test_a_file_that_cannot_have_a_label_stays_as_it_is(kind: MediaKind, data: bytes) -> None:
    assert labelled(data, kind, LABEL) == data


def test_a_label_that_is_too_long_for_a_jpeg_is_left_out() -> None:
    data = _picture("JPEG")
    assert labelled(data, JPEG, Label(JOB.jobid, "&" * 20_000)) == data
