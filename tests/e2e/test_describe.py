"""The main path: a picture in, four prompts out, polled and called back."""

from __future__ import annotations

from tests.e2e.conftest import Install


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
