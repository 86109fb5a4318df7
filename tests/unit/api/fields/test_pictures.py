from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from tests.harness.requests import URL, asked, describe, describe_form
from waystation.api.body import Body
from waystation.api.fields.job import job_request
from waystation.engine.intake import FilePart
from waystation.errors import InvalidRequest, PreconditionFailed
from waystation.midjourney.commands import COMMANDS


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "describeUrl is missing"),
        ({"describeUrl": None}, "describeUrl is missing"),
        ({"describeUrl": ""}, "describeUrl is empty"),
        ({"describeUrl": " \n"}, "describeUrl is empty"),
        ({"describeUrl": "h" * 4097}, "describeUrl is too long"),
        ({"describeUrl": "cat.png"}, "describeUrl is not a valid http or https URL"),
        ({"describeUrl": "file:///etc/passwd"}, "describeUrl is not a valid http or https URL"),
        ({"describeUrl": "http://"}, "describeUrl is not a valid http or https URL"),
        ({"describeUrl": "http://["}, "describeUrl is not a valid http or https URL"),
        ({"describeUrl": "http://a:b/"}, "describeUrl is not a valid http or https URL"),
        ({"describeUrl": "http://a/\u0001"}, "describeUrl is not a valid http or https URL"),
        ({"describeUrl": "http://a/\nb"}, "describeUrl is not a valid http or https URL"),
    ],
)
def test_a_bad_picture_url_is_412(fields: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        job_request(COMMANDS["describe"], Body(fields=fields))
    assert caught.value.message == sentence
    assert caught.value.details is None


@pytest.mark.parametrize(
    "url", [URL, "HTTP://A.example", f" {URL} ", "https://u:p@[::1]:8/ä?b=c d#e"]
)
def test_a_picture_url_may_be_any_web_address(url: str) -> None:
    assert describe(describeUrl=url).params == {"describeUrl": url.strip()}


def test_a_file_part_stands_in_for_the_url() -> None:
    request = describe_form({"maxJobs": "2"}, describeFile=FilePart("a.png", b"PNG"))
    assert request.files == {"describeUrl": FilePart("a.png", b"PNG")}
    assert (request.params, request.max_jobs) == ({}, 2)


def test_url_and_file_together_are_412() -> None:
    with pytest.raises(PreconditionFailed, match="cannot be given together"):
        describe_form({"describeUrl": URL}, describeFile=FilePart("a.png", b"PNG"))


def test_an_empty_file_is_412() -> None:
    with pytest.raises(PreconditionFailed, match="describeFile is empty"):
        describe_form({}, describeFile=FilePart("a.png", b""))


def test_a_file_under_another_name_is_ignored() -> None:
    with pytest.raises(PreconditionFailed, match="describeUrl is missing"):
        describe_form({}, other=FilePart("a.png", b"PNG"))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.png", "a.png"),
        ("/etc/cat.png", "cat.png"),
        ("C:\\pictures\\cat.png", "cat.png"),
        ("..", "picture"),
        ("", "picture"),
        ("a\r\nb.png", "ab.png"),
        ("x" * 300 + ".png", "x" * 124 + ".png"),
    ],
)
def test_a_file_name_is_made_plain(sent: str, kept: str) -> None:
    request = describe_form({}, describeFile=FilePart(sent, b"PNG"))
    assert request.files["describeUrl"].filename == kept


@pytest.mark.parametrize("urls", [None, [URL]])
def test_too_few_pictures_name_the_parts_that_count_too(urls: list[str] | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        job_request(COMMANDS["blend"], Body(fields={} if urls is None else {"blendUrls": urls}))
    assert "blendFile_1 to blendFile_5" in (caught.value.details or "")


@pytest.mark.parametrize("urls", [[URL, URL], f"{URL} {URL}", f'["{URL}", "{URL}"]'])
def test_a_form_may_send_a_list_as_text(urls: object) -> None:
    assert asked("blend", blendUrls=urls).params == {"blendUrls": [URL, URL]}


def test_blend_takes_numbered_files_beside_urls() -> None:
    part = FilePart("a.png", b"PNG")
    request = asked("blend", {"blendFile_2": part}, blendUrls=[URL])
    assert request.params == {"blendUrls": [URL]}
    assert request.files == {"blendFile_2": part}
    only = asked("blend", {"blendFile_1": part, "blendFile_2": part})
    assert (only.params, len(only.files)) == ({}, 2)
    with pytest.raises(InvalidRequest, match="blendFile_1 is empty"):
        asked("blend", {"blendFile_1": FilePart("a.png", b"")})


PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:image/webp;base64,"])
@pytest.mark.parametrize("data", [PNG, b"RIFF\0\0\0\0WEBPVP8 "])
def test_a_mask_is_a_file_and_never_a_field_of_the_job(prefix: str, data: bytes) -> None:
    text = prefix + base64.b64encode(data).decode()
    request = asked("button", jobid="job:1", button="Vary (Region)", mask=text)
    assert request.files == {"mask": FilePart("mask", data)}
    assert "mask" not in request.params


@pytest.mark.parametrize("mask", ["%%%", "R0lGODlh", base64.b64encode(b"GIF89a").decode()])
def test_a_mask_of_another_form_is_refused(mask: str) -> None:
    with pytest.raises(InvalidRequest, match="mask is not a PNG or WebP in base64"):
        asked("button", jobid="job:1", button="Vary (Region)", mask=mask)


@pytest.mark.parametrize("said", [URL, [URL]])
def test_a_blend_of_one_picture_says_what_is_wrong(said: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        job_request(COMMANDS["blend"], Body(fields={"blendUrls": said}))
    expected = "must be a list of URLs" if isinstance(said, str) else "must name 2 to 5 pictures"
    assert refused.value.message == f"blendUrls {expected}"
