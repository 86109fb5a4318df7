"""The main path: a picture in, four prompts out, polled and called back."""

from __future__ import annotations

from tests.e2e.conftest import Install, eventually


async def test_a_described_picture_is_polled_to_its_four_prompts_and_called_back(
    install: Install,
) -> None:
    async with install() as here:
        ada = await here.person()
        (channel,) = await here.equip(ada)
        status, job, _ = await ada.call(
            "POST",
            "/v2/jobs/describe",
            {
                "describeUrl": here.photo(),
                "replyUrl": f"{here.outside.url}/callback",
                "replyRef": "ref-1",
            },
        )
        assert status == 200, job
        assert job["status"] == "started"
        final = await ada.final(job["jobid"])
        assert final["status"] == "completed", final
        assert final["channel"] == channel
        assert await here.outside.callback() == final


async def test_info_answers_when_final(install: Install) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        status, job, _ = await ada.call("POST", "/v2/jobs/info", {})
        assert status == 200, job
        assert job["status"] == "completed"
        assert "Your info" in job["embeds"][0]["title"]


async def test_a_callback_answered_by_302_is_delivered_once(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        here.outside.answer = lambda: 302
        job = await ada.run("info", replyUrl=f"{here.outside.url}/callback")
        assert await here.outside.callback() == job
        with here.records() as records:
            await eventually(
                lambda: [one["status"] for one in records.callbacks()] == ["delivered"]
            )
        assert len(here.outside.callbacks) == 1


async def test_a_private_reply_url_is_refused_and_names_the_setting(install: Install) -> None:
    async with install() as here:
        ada = await here.ready()
        url = "http://10.0.0.1/x"
        told = (
            "replyUrl cannot be called: 10.0.0.1 is a private address; "
            "WAYSTATION_ALLOW_NETWORKS can allow it"
        )
        for verb, status in (("info", 400), ("describe", 412)):
            body = {"replyUrl": url, "describeUrl": here.photo()}
            answered = await ada.call("POST", f"/v2/jobs/{verb}", body)
            assert answered[:2] == (status, {"error": told, "code": status})
        assert (await ada.call("POST", "/v2/account", {"replyUrl": url}))[:2] == (
            400,
            {"error": told, "code": 400},
        )
        status, job, _ = await ada.describe(f"{url}.png")
        assert (status, job["error"]) == (
            412,
            f"GET {url}.png failed with no connection to the host",
        )
