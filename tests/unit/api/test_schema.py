from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from tests.build import replace
from tests.harness.face import CHANNEL, DISCORD, SERVER
from waystation.api.body import Body
from waystation.api.schema import channel_account, job_request, new_account, user_changes
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import InvalidRequest, PreconditionFailed
from waystation.midjourney.commands import COMMANDS
from waystation.secret import redact

URL = "https://pictures.example/1.png"
HOOK = "https://hooks.example/abc"


def describe(**fields: object) -> JobRequest:
    return job_request(COMMANDS["describe"], Body(fields={"describeUrl": URL, **fields}))


def info(**fields: object) -> JobRequest:
    return job_request(COMMANDS["info"], Body(fields=fields))


def test_a_describe_has_every_field_it_was_given() -> None:
    request = describe(channel=CHANNEL, maxJobs=2, replyUrl=HOOK, replyRef="r", unknown=[1])
    assert request == JobRequest(
        verb="describe",
        channel=CHANNEL,
        max_jobs=2,
        reply_url=HOOK,
        reply_ref="r",
        params={"describeUrl": URL},
    )


def test_an_info_needs_nothing() -> None:
    assert info() == JobRequest(verb="info")


def test_info_ignores_maxjobs_even_when_it_is_nonsense() -> None:
    assert info(maxJobs="many") == JobRequest(verb="info")


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_the_empty_text_are_as_if_not_sent(nothing: object) -> None:
    names = ("channel", "maxJobs", "replyUrl", "replyRef", "discord", "server")
    assert describe(**dict.fromkeys(names, nothing)) == describe()


@pytest.mark.parametrize("field", ["discord", "server"])
@pytest.mark.parametrize("value", ["x", 5])
def test_fields_of_era_a_are_noticed_and_not_kept(field: str, value: object) -> None:
    assert info(**{field: value}) == JobRequest(verb="info", era_a=True)


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


BAD_SHARED = [
    ({"replyUrl": "h" * 1025}, "replyUrl is too long"),
    ({"replyRef": "r" * 1025}, "replyRef is too long"),
    ({"replyUrl": "ftp://a.example"}, "replyUrl is not a valid http or https URL"),
]


@pytest.mark.parametrize(("fields", "sentence"), BAD_SHARED)
def test_bad_shared_fields_are_412_on_describe_and_400_elsewhere(
    fields: Mapping[str, object], sentence: str
) -> None:
    """R5."""
    with pytest.raises(PreconditionFailed) as on_describe:
        describe(**fields)
    with pytest.raises(InvalidRequest) as elsewhere:
        info(**fields)
    assert on_describe.value.message == elsewhere.value.message == sentence
    assert elsewhere.value.status_hint == 400


def test_lengths_of_1024_are_allowed() -> None:
    url = HOOK.ljust(1024, "x")
    request = describe(replyUrl=url, replyRef="r" * 1024)
    assert (request.reply_url, request.reply_ref) == (url, "r" * 1024)


@pytest.mark.parametrize("value", [0, 16, -1, "0", "16", 999_999_999, 1e3])
def test_maxjobs_out_of_range_is_412_on_describe(value: object) -> None:
    with pytest.raises(PreconditionFailed, match="is not between 1 and 15"):
        describe(maxJobs=value)


def test_maxjobs_out_of_range_is_400_on_a_verb_that_says_so() -> None:
    command = replace(COMMANDS["describe"], bad_input_status=400)
    with pytest.raises(InvalidRequest) as caught:
        job_request(command, Body(fields={"describeUrl": URL, "maxJobs": 16}))
    assert caught.value.status_hint == 400


@pytest.mark.parametrize(("value", "number"), [(1, 1), (15, 15), (3.0, 3), ("3", 3), ("+4", 4)])
def test_maxjobs_may_be_a_number_or_its_text(value: object, number: int) -> None:
    assert describe(maxJobs=value).max_jobs == number


@pytest.mark.parametrize(
    "value", [True, 2.5, "2.5", "x", [3], {}, 10**30, 1e300, "9" * 5000, "٣", " 3"]
)
def test_maxjobs_of_another_type_is_412_on_describe(value: object) -> None:
    with pytest.raises(PreconditionFailed, match="maxJobs must be a whole number"):
        describe(maxJobs=value)


WRONG_TYPES = [
    *((field, value) for field in ("describeUrl", "replyUrl", "replyRef") for value in (5, 1.5)),
    *(
        (field, value)
        for field in ("describeUrl", "channel", "replyUrl", "replyRef", "mode")
        for value in (True, [], {}, [5], {"a": 1}, -5, 1e18)
    ),
]


@pytest.mark.parametrize(("field", "value"), WRONG_TYPES)
def test_a_wrong_type_is_named_and_412_on_describe(field: str, value: object) -> None:
    with pytest.raises(PreconditionFailed, match=f"{field} must be a string"):
        describe(**{field: value})


@pytest.mark.parametrize("field", ["channel", "replyUrl", "replyRef", "mode"])
def test_a_wrong_type_is_named_and_400_elsewhere(field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{field} must be a string") as caught:
        info(**{field: [5]})
    assert caught.value.status_hint == 400


def test_a_switch_of_a_wrong_type_is_412_on_describe() -> None:
    with pytest.raises(PreconditionFailed, match="replyProgress must be true or false"):
        describe(replyProgress="perhaps")


@pytest.mark.parametrize("field", ["describeUrl", "channel", "replyUrl", "replyRef"])
def test_a_nul_character_is_named_and_412_on_describe(field: str) -> None:
    with pytest.raises(PreconditionFailed, match=f"{field} must not contain a NUL"):
        describe(**{field: "a\0b"})


def test_a_channel_may_come_as_a_number() -> None:
    assert describe(channel=int(CHANNEL)) == describe(channel=CHANNEL)
    assert info(channel=int(CHANNEL)) == info(channel=CHANNEL)


def test_the_ids_of_an_account_may_come_as_numbers() -> None:
    fields = {"discord": DISCORD, "server": int(SERVER), "channel": int(CHANNEL), "maxJobs": 3}
    token, server, max_jobs = channel_account(CHANNEL, Body(fields=fields))
    assert (token.reveal(), server, max_jobs) == (DISCORD, SERVER, 3)


def test_a_reference_may_hold_other_control_characters() -> None:
    assert describe(replyRef="a\nb\x1b").reply_ref == "a\nb\x1b"


def form(fields: Mapping[str, object], **files: FilePart) -> JobRequest:
    return job_request(COMMANDS["describe"], Body(fields=fields, files=files))


def test_a_file_part_stands_in_for_the_url() -> None:
    request = form({"maxJobs": "2"}, describeFile=FilePart("a.png", b"PNG"))
    assert request.files == {"describeUrl": FilePart("a.png", b"PNG")}
    assert (request.params, request.max_jobs) == ({}, 2)


def test_url_and_file_together_are_412() -> None:
    with pytest.raises(PreconditionFailed, match="cannot be given together"):
        form({"describeUrl": URL}, describeFile=FilePart("a.png", b"PNG"))


def test_an_empty_file_is_412() -> None:
    with pytest.raises(PreconditionFailed, match="describeFile is empty"):
        form({}, describeFile=FilePart("a.png", b""))


def test_a_file_under_another_name_is_ignored() -> None:
    with pytest.raises(PreconditionFailed, match="describeUrl is missing"):
        form({}, other=FilePart("a.png", b"PNG"))


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
    request = form({}, describeFile=FilePart(sent, b"PNG"))
    assert request.files["describeUrl"].filename == kept


def test_user_changes_leave_what_was_not_sent() -> None:
    assert user_changes(Body()) == (None, None)
    assert user_changes(Body(fields={"name": "N"})) == ("N", None)
    assert user_changes(Body(fields={"replyUrl": HOOK})) == (None, HOOK)


def test_user_changes_clear_with_the_empty_text() -> None:
    assert user_changes(Body(fields={"name": "", "replyUrl": ""})) == ("", "")


def test_user_stands_in_for_name_only_without_one() -> None:
    assert user_changes(Body(fields={"user": "U"})) == ("U", None)
    assert user_changes(Body(fields={"user": "U", "name": "N"})) == ("N", None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"replyUrl": "h" * 1025}, "replyUrl is too long"),
        ({"name": "n" * 1025}, "name is too long"),
        ({"replyUrl": "nowhere"}, "replyUrl is not a valid http or https URL"),
        ({"name": 1}, "name must be a string"),
    ],
)
def test_bad_user_changes_are_400(fields: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        user_changes(Body(fields=fields))
    assert (caught.value.message, caught.value.status_hint) == (sentence, 400)


def test_a_new_account_has_a_token_and_maybe_maxjobs() -> None:
    token, max_jobs = new_account(Body(fields={"discord": f" {DISCORD}\n"}))
    assert (token.reveal(), max_jobs) == (DISCORD, None)
    assert new_account(Body(fields={"discord": DISCORD, "maxJobs": 15}))[1] == 15


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Required param discord is missing or empty"),
        ({"discord": "  "}, "Required param discord is missing or empty"),
        ({"discord": "a b"}, "Required param discord is not valid Discord token"),
        ({"discord": "é"}, "Required param discord is not valid Discord token"),
        ({"discord": "e"}, "Required param discord is not valid Discord token"),
        ({"discord": "info"}, "Required param discord is not valid Discord token"),
        # three parts alone are no token: log lines have such words
        (
            {"discord": "waystation.engine.account.pool"},
            "Required param discord is not valid Discord token",
        ),
        ({"discord": "MTA-.a-token.xyz"}, "Required param discord is not valid Discord token"),
        ({"discord": f"{DISCORD}x" * 20}, "Required param discord is not valid Discord token"),
        ({"discord": "x", "maxJobs": 16}, "Required param maxJobs 16 can't be more that 15"),
        ({"discord": "x", "maxJobs": 0}, "Required param maxJobs 0 can't be less than 1"),
        ({"discord": "x", "maxJobs": "x"}, "maxJobs must be a whole number"),
    ],
)
def test_a_bad_new_account_is_400(fields: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        new_account(Body(fields=fields))
    assert (caught.value.message, caught.value.status_hint) == (sentence, 400)


WHOLE = {"discord": DISCORD, "server": SERVER, "channel": CHANNEL, "maxJobs": 3}


def test_an_account_of_era_a_has_token_server_and_maxjobs() -> None:
    token, server, max_jobs = channel_account(CHANNEL, Body(fields=WHOLE))
    assert (token.reveal(), server, max_jobs) == (DISCORD, SERVER, 3)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"discord": ""}, "Required param discord is missing or empty"),
        ({"server": None}, "Required param server is missing or empty"),
        ({"server": "home"}, "Required param server (home) is not valid Discord server id"),
        ({"channel": ""}, "Required param channel is missing or empty"),
        ({"channel": "12"}, "Required param channel (12) is not valid Discord channel id"),
        (
            {"channel": SERVER},
            f"Required param channel ({SERVER}) not matching to "
            f"/midjourney/channel (/midjourney/{CHANNEL})",
        ),
        ({"maxJobs": None}, "Required param maxJobs is missing or empty"),
        ({"maxJobs": 16}, "Required param maxJobs 16 can't be more that 15"),
    ],
)
def test_a_bad_account_of_era_a_is_400_in_v2s_words(
    change: Mapping[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        channel_account(CHANNEL, Body(fields={**WHOLE, **change}))
    assert (caught.value.message, caught.value.status_hint) == (sentence, 400)


def test_a_sentence_repeats_only_the_beginning_of_a_long_value() -> None:
    with pytest.raises(InvalidRequest) as caught:
        channel_account(CHANNEL, Body(fields={**WHOLE, "server": "s" * 10_000}))
    assert len(caught.value.message) < 200


# ── texts, choices, lists and parents ──


def _asked(verb: str, files: dict[str, FilePart] | None = None, **fields: object) -> JobRequest:
    return job_request(COMMANDS[verb], Body(fields=fields, files=files or {}))


def test_a_prompt_is_a_trimmed_text_of_five_thousand_characters() -> None:
    assert _asked("imagine", prompt=" a fox ", mode="relax").params == {
        "prompt": "a fox",
        "mode": "relax",
    }
    assert len(str(_asked("imagine", prompt="x" * 5000).params["prompt"])) == 5000


@pytest.mark.parametrize("urls", [None, [URL]])
def test_too_few_pictures_name_the_parts_that_count_too(urls: list[str] | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        job_request(COMMANDS["blend"], Body(fields={} if urls is None else {"blendUrls": urls}))
    assert "blendFile_1 to blendFile_5" in (caught.value.details or "")


@pytest.mark.parametrize(
    ("verb", "fields", "error"),
    [
        ("imagine", {}, "prompt is missing"),
        ("imagine", {"prompt": " "}, "prompt is empty"),
        ("imagine", {"prompt": "x" * 5001}, "prompt is too long"),
        ("imagine", {"prompt": 5}, "prompt must be a string"),
        ("imagine", {"prompt": "x", "mode": "warp"}, "mode must be one of fast, relax, turbo"),
        ("button", {"button": "U1"}, "jobid is missing"),
        ("button", {"jobid": "job:1"}, "button is missing"),
        ("blend", {}, "blendUrls is missing"),
        ("blend", {"blendUrls": 5}, "blendUrls must be a list of URLs"),
        ("blend", {"blendUrls": "[1]"}, "blendUrls must be a list of URLs"),
        ("blend", {"blendUrls": [URL]}, "blendUrls must name 2 to 5 pictures"),
        ("blend", {"blendUrls": [URL] * 6}, "blendUrls must name 2 to 5 pictures"),
        (
            "blend",
            {"blendUrls": [URL, "ftp://x"]},
            "blendUrls contains an invalid URL; use http or https",
        ),
        ("blend", {"blendUrls": [URL, URL + "x" * 4096]}, "blendUrls is too long"),
    ],
)
def test_a_body_that_a_verb_cannot_take_is_a_400(
    verb: str, fields: dict[str, Any], error: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        _asked(verb, **fields)
    assert (raised.value.message, raised.value.status_hint) == (error, 400)


def test_an_optional_text_that_is_empty_is_absent() -> None:
    assert _asked("prefer_suffix", suffix="").params == {}
    assert _asked("prefer_suffix").params == {}


def test_a_parent_is_kept_under_the_name_that_the_job_form_has() -> None:
    assert _asked("button", jobid="job:1", button="U1", prompt="").params == {
        "parentJobId": "job:1",
        "button": "U1",
    }


@pytest.mark.parametrize("urls", [[URL, URL], f"{URL} {URL}", f'["{URL}", "{URL}"]'])
def test_a_form_may_send_a_list_as_text(urls: object) -> None:
    assert _asked("blend", blendUrls=urls).params == {"blendUrls": [URL, URL]}


def test_blend_takes_numbered_files_beside_urls() -> None:
    part = FilePart("a.png", b"PNG")
    asked = _asked("blend", {"blendFile_2": part}, blendUrls=[URL])
    assert asked.params == {"blendUrls": [URL]}
    assert asked.files == {"blendFile_2": part}
    only = _asked("blend", {"blendFile_1": part, "blendFile_2": part})
    assert (only.params, len(only.files)) == ({}, 2)
    with pytest.raises(InvalidRequest, match="blendFile_1 is empty"):
        _asked("blend", {"blendFile_1": FilePart("a.png", b"")})


PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:image/webp;base64,"])
@pytest.mark.parametrize("data", [PNG, b"RIFF\0\0\0\0WEBPVP8 "])
def test_a_mask_is_a_file_and_never_a_field_of_the_job(prefix: str, data: bytes) -> None:
    text = prefix + base64.b64encode(data).decode()
    asked = _asked("button", jobid="job:1", button="Vary (Region)", mask=text)
    assert asked.files == {"mask": FilePart("mask", data)}
    assert "mask" not in asked.params


@pytest.mark.parametrize("mask", ["%%%", "R0lGODlh", base64.b64encode(b"GIF89a").decode()])
def test_a_mask_of_another_form_is_refused(mask: str) -> None:
    with pytest.raises(InvalidRequest, match="mask is not a PNG or WebP in base64"):
        _asked("button", jobid="job:1", button="Vary (Region)", mask=mask)


def test_of_a_field_that_a_form_says_twice_the_last_counts_and_a_list_takes_all() -> None:
    body = Body(
        fields={
            "blendUrls": (URL, f"{URL}2", f"{URL}3"),
            "replyRef": ("a", "b"),
            "maxJobs": ("1", "2"),
            "replyProgress": ("true", "false"),
        }
    )
    request = job_request(COMMANDS["blend"], body)
    assert request.params == {"blendUrls": [URL, f"{URL}2", f"{URL}3"]}
    assert (request.reply_ref, request.max_jobs, request.reply_progress) == ("b", 2, False)


@pytest.mark.parametrize("said", [URL, [URL]])
def test_a_blend_of_one_picture_says_what_is_wrong(said: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        job_request(COMMANDS["blend"], Body(fields={"blendUrls": said}))
    expected = "must be a list of URLs" if isinstance(said, str) else "must name 2 to 5 pictures"
    assert refused.value.message == f"blendUrls {expected}"


def test_a_mode_is_one_of_three_on_every_verb() -> None:
    assert info(mode="fast").mode == "fast"
    assert describe(mode="relax").mode == "relax"
    imagine = job_request(COMMANDS["imagine"], Body(fields={"prompt": "x", "mode": "turbo"}))
    assert (imagine.mode, imagine.params["mode"]) == (None, "turbo")
    with pytest.raises(InvalidRequest, match="mode must be one of fast, relax, turbo"):
        info(mode="slow")


def test_tokens_of_the_old_form_are_taken() -> None:
    old = "mfa." + "aB3_-" * 16
    assert new_account(Body(fields={"discord": old}))[0].reveal() == old


@pytest.mark.parametrize("text", ["e", "account", "a.b.c", "waystation.engine.account.pool"])
def test_a_text_that_is_no_token_never_hides_anything_in_a_log(text: str) -> None:
    with pytest.raises(InvalidRequest):
        new_account(Body(fields={"discord": text}))
    line = "a line of the log, by waystation.engine.account.pool a.b.c of account 5"
    assert redact(line) == line
