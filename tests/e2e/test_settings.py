"""LOOKS and ELSEWHERE: each setting, and what changes when it is set to another value.

A row is a look of this file, or a test elsewhere that sets the setting and sees it.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually
from tests.e2e.desk import at_desk
from tests.e2e.naming import names_used
from tests.e2e.relations import mask_of
from waystation.settings import SETTINGS

Look = Callable[[Install, Path], Awaitable[None]]

LOOKS: dict[str, Look] = {}

_TESTS = Path(__file__).parents[1]

ELSEWHERE: Mapping[str, str] = {
    "data_dir": "integration/cli/host/test_users.py::test_only_add_makes_a_database",
    "database_connections": "integration/app/test_state.py"
    "::test_the_numbers_of_the_settings_hold_on_postgresql",
    "database_connect_s": "integration/app/test_state.py"
    "::test_the_numbers_of_the_settings_hold_on_postgresql",
    "database_statement_s": "integration/app/test_state.py"
    "::test_the_numbers_of_the_settings_hold_on_postgresql",
    "listen_url": "integration/app/test_news.py::test_news_are_heard_where_the_setting_says",
    "trusted_proxies": "e2e/test_reverse_proxy.py"
    "::test_without_trusted_proxies_the_header_is_never_read",
    "drain_s": "unit/engine/outbox/test_callbacks.py"
    "::test_stopping_waits_no_longer_than_the_drain_time",
    "discord_url": "e2e/test_secrets.py::test_no_secret_leaves_its_place",
    "mask_repaints": "e2e/test_buttons.py::test_a_mask_may_mean_the_other_colour",
    "upload_hosts": "integration/discord/test_site.py"
    "::test_pictures_go_to_our_origin_and_discords_hosts_only",
    "public_url": "unit/api/media/test_paths.py"
    "::test_a_link_begins_with_the_public_url_where_one_is_set",
    "media_hosts": "integration/discord/test_media.py::test_media_hosts_are_a_list_of_their_own",
    "media": "e2e/test_copies.py::test_nothing_is_copied_where_each_file_is_read_from_discord",
    "media_gib": "integration/cli/doctor/test_copies.py"
    "::test_copies_lie_in_the_data_directory_and_have_a_bound",
    "contact": "integration/discord/test_site.py"
    "::test_the_user_agent_is_waystation_and_names_a_contact_when_there_is_one",
    "request_timeout_s": "integration/engine/account/test_lease.py"
    "::test_a_request_is_shorter_than_what_remains_of_the_lease",
    "pacing_s": "integration/engine/account/test_submitter.py"
    "::test_two_submissions_are_a_pause_with_jitter_apart",
    "pacing_jitter_s": "integration/engine/account/test_submitter.py"
    "::test_two_submissions_are_a_pause_with_jitter_apart",
    "breaker_invalid": "e2e/test_turns.py::test_an_open_breaker_is_named",
    "lease_s": "integration/engine/account/test_lease.py"
    "::test_the_lease_is_renewed_long_before_it_runs_out",
    "first_answer_s": "e2e/test_turns.py::test_a_turn_that_does_not_come_is_named",
    "send_within_s": "e2e/test_crash.py::test_a_job_that_found_no_process_in_time_is_never_sent",
    "track_queued_jobs": "e2e/test_queued_by_midjourney.py"
    "::test_a_job_that_midjourney_queues_goes_on_and_holds_its_slot",
    "first_edit_s": "e2e/test_status_codes.py::test_a_full_account_names_no_cancelled_describe",
    "job_timeout_s": "e2e/test_status_codes.py"
    "::test_a_job_that_never_ends_fails_and_gives_its_slot_back_later",
    "blind_grace_s": "e2e/test_faults.py"
    "::test_a_fault_leads_to_what_is_expected_and_to_nothing_else",
    "silence_s": "e2e/test_silence.py::test_a_result_that_discord_never_tells_is_looked_up",
    "vanish_grace_s": "e2e/test_hazards.py::test_each_hazard_fires_and_ends_as_the_rules_say",
    "slot_hold_s": "e2e/test_status_codes.py"
    "::test_a_job_that_never_ends_fails_and_gives_its_slot_back_later",
    "ghost_life_s": "unit/midjourney/test_agenda.py::test_ghosts_are_due_one_after_the_other",
    "job_retention_days": "integration/engine/outbox/test_janitor.py"
    "::test_old_jobs_are_purged_in_batches",
    "janitor_s": "integration/engine/outbox/test_janitor.py"
    "::test_a_round_that_fails_is_followed_by_another",
    "allow_networks": "e2e/test_status_codes.py"
    "::test_a_picture_on_a_network_that_is_not_allowed_is_412_and_never_asked_for",
    "fetch_limit_bytes": "e2e/test_status_codes.py"
    "::test_a_picture_that_cannot_be_had_is_412_and_makes_no_job",
    "fetches_per_user": "unit/engine/test_intake.py"
    "::test_one_user_takes_in_four_pictures_at_once_and_another_is_not_held_up",
    "fetches": "unit/engine/test_intake.py::test_files_and_masks_take_the_same_places",
    "json_limit_bytes": "e2e/test_openapi.py::test_every_documented_status_of_every_route_is_seen",
    "body_timeout_s": "e2e/test_openapi.py::test_every_documented_status_of_every_route_is_seen",
    "callback_timeout_s": "e2e/test_restart.py"
    "::test_a_callback_that_was_cut_off_arrives_again_under_the_same_id",
    "receiver_patience_days": "e2e/test_callbacks.py"
    "::test_a_receiver_that_fails_on_and_on_is_told_of_disabled_and_enabled_by_a_ping",
    "smtp_url": "e2e/test_status_codes.py"
    "::test_a_pending_message_stops_one_channel_until_it_is_reset",
    "mail_from": "integration/outbound/test_mail.py::test_an_smtp_url_is_read",
    "mail_timeout_s": "e2e/test_restart.py"
    "::test_a_mail_that_could_not_go_out_goes_out_after_the_restart",
    "log_level": "e2e/test_secrets.py::test_no_secret_leaves_its_place",
    "log_format": "e2e/test_secrets.py::test_no_secret_leaves_its_place",
    "otlp_endpoint": "e2e/test_traces.py"
    "::test_a_job_has_one_trace_from_post_to_callback_over_a_restart",
    "url": "e2e/test_cli.py::test_from_nothing_to_four_prompts_with_commands_alone",
    "token": "e2e/test_cli.py::test_from_nothing_to_four_prompts_with_commands_alone",
}
"""Setting → the test that sees its effect, as pytest names it below tests/."""

CALLED_THERE = {
    "upload_hosts": "may_upload",
    "ghost_life_s": "ghost_life",
    "job_retention_days": "RETENTION",
    "janitor_s": "RETENTION",
    "fetches_per_user": "Shares",
    "fetches": "Shares",
    "mail_from": "read_smtp_url",
}
"""Setting → what that test calls it, where that is another name."""


def effect(name: str) -> Callable[[Look], Look]:
    """Register what is looked at for a setting."""

    def register(look: Look) -> Look:
        LOOKS[name] = look
        return look

    return register


def test_each_setting_has_an_effect_that_a_test_sees() -> None:
    assert sorted([*LOOKS, *ELSEWHERE]) == sorted(one.name for one in SETTINGS)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_test_elsewhere_uses_the_setting(name: str) -> None:
    file, _, test = ELSEWHERE[name].partition("::")
    called = CALLED_THERE.get(name, name)
    assert {called, f"WAYSTATION_{name.upper()}"} & names_used(_TESTS / file, test)


@pytest.mark.parametrize("name", LOOKS)
async def test_a_setting_has_its_effect(install: Install, tmp_path: Path, name: str) -> None:
    await LOOKS[name](install, tmp_path)


async def _refusal(ada: Person, here: Installation) -> tuple[int, str]:
    status, body, _ = await ada.describe(here.photo())
    return status, body["error"]


@effect("database_url")
async def _(install: Install, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.db"
    async with install(database_url=f"sqlite:///{place}"):
        assert place.exists()
        assert not list((tmp_path / "data").glob("*.db"))


@effect("key")
async def _(install: Install, tmp_path: Path) -> None:
    async with install() as here:
        [ring] = (tmp_path / "data").glob("*key*")
        await here.stop()
    text = ring.read_text(encoding="utf-8")
    ring.unlink()
    async with install(key=text) as here:
        await here.ready()
        assert not ring.exists()


@effect("host")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(host="127.0.0.2") as here:
        assert urlsplit(here.url).hostname == "127.0.0.2"


@effect("port")
async def _(install: Install, tmp_path: Path) -> None:
    port = _free_port()
    async with install(port=port) as here:
        assert urlsplit(here.url).port == port


@effect("cors_origins")
async def _(install: Install, tmp_path: Path) -> None:
    page = "https://page.example"
    async with install(cors_origins=[page]) as here:
        ada = await here.person()
        for origin, allowed in ((page, page), ("https://other.example", None)):
            _, _, headers = await ada.call("GET", "/v2/jobs", headers={"Origin": origin})
            assert headers.get("Access-Control-Allow-Origin") == allowed


@effect("metrics")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(metrics=False) as here, here.http.get(f"{here.url}/metrics") as answer:
        assert answer.status == 404


@effect("activity_url")
async def _(install: Install, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{_free_port()}"
    async with at_desk(install, activity_url=nowhere) as desk:
        grid = await desk.run("imagine", prompt="a red fox in the snow --v 7")
        single = await desk.press(grid, "U1")
        mask = base64.b64encode(mask_of(single)).decode()
        press = {"jobid": single.job["jobid"], "button": "Vary (Region)", "mask": mask}
        status, body, _ = await desk.ada.call("POST", "/v2/jobs/button", press)
        assert status == 502
        assert nowhere in body["errorDetails"]


@effect("midjourney_cdn_url")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(midjourney_cdn_url="") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox in the snow")
        assert "imageUx" not in job


@effect("unrecognised_days")
async def _(install: Install, tmp_path: Path) -> None:
    async with install() as here:
        await here.ready()
        await here.quiet()
        assert _kept(here)
        await here.stop()
    async with install(unrecognised_days=0, janitor_s=0.05) as here:
        await eventually(lambda: not _kept(here))


def _kept(here: Installation) -> int:
    with here.records() as records:
        return len(records.unrecognised())


@effect("fetch_limit_pixels")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(fetch_limit_pixels=100) as here:
        status, error = await _refusal(await here.ready(), here)
        assert status == 412 and error.endswith("has more than 100 pixels")


@effect("input_bytes_per_user")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(input_bytes_per_user=1 << 9) as here:
        status, error = await _refusal(await here.ready(), here)
        assert (status, error) == (
            429,
            "0.000488281 MiB of your pictures may wait to be sent, and this job's would be more; "
            "wait",
        )


@effect("queue_per_user")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(queue_per_user=1, speed=2.0) as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=1)
        await here.connected()
        answers = [
            await ada.call("POST", "/v2/jobs/imagine", {"prompt": f"fox {n}", "queue": True})
            for n in range(3)
        ]
        assert [status for status, _, _ in answers] == [200, 201, 429]
        assert answers[2][1]["error"] == "At most 1 of your jobs may wait, and 1 wait already"
        assert answers[2][2]["Retry-After"] == "30"


@effect("queue_hours")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(queue_hours=1 / 3600, speed=2.0) as here:
        ada = await here.person()
        await here.equip(ada, maxJobs=1)
        await here.connected()
        await ada.call("POST", "/v2/jobs/imagine", {"prompt": "badger"})
        _, job, _ = await ada.call("POST", "/v2/jobs/imagine", {"prompt": "fox", "queue": True})
        ended = await ada.final(job["jobid"])
        assert (ended["code"], ended["error"]) == (
            502,
            "Not sent within 1 seconds: The slot is in use.",
        )


@effect("fetch_timeout_s")
async def _(install: Install, tmp_path: Path) -> None:
    async with _receiver() as (url, _), install(fetch_timeout_s=0.2) as here:
        ada = await here.ready()
        status, body, _ = await ada.describe(f"{url}/picture.png")
        assert status == 412 and body["error"].startswith(f"GET {url}/picture.png failed with ")


@effect("form_limit_bytes")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(form_limit_bytes=1000) as here:
        ada = await here.ready()
        form = aiohttp.FormData()
        form.add_field("describeFile", b"x" * 2000, filename="a.png")
        status, _, _ = await ada.call("POST", "/v2/jobs/describe", data=form)
        assert status == 413


@effect("head_timeout_s")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(head_timeout_s=0.2) as here:
        parts = urlsplit(here.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        async with asyncio.timeout(5.0):
            await reader.read()
        writer.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@asynccontextmanager
async def _receiver() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Take connections, answer nothing, and tell when the first one came."""
    came = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", came
    finally:
        server.close()
