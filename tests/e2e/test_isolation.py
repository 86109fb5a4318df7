"""I13: for one user, what belongs to another looks exactly like what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import Install, Installation, Person

ABSENT_CHANNEL = "1060437491713514999"
"""As long as a channel of the simulator's, and nobody's."""

JOB_ROUTES = (
    ("GET", "/v2/jobs/?jobid={id}"),
    ("GET", "/v2/jobs?jobid={id}"),
    ("HEAD", "/v2/jobs/?jobid={id}"),
    ("GET", "/v2/jobs/cancel/?jobid={id}"),
    ("GET", "/v2/jobs/cancel?jobid={id}"),
)

CHANNEL_ROUTES: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "/v2/account/midjourney/{id}", None),
    ("HEAD", "/v2/account/midjourney/{id}", None),
    ("DELETE", "/v2/account/midjourney/{id}", None),
    ("DELETE", "/v2/account/midjourney/{id}?force=true", None),
    ("POST", "/v2/account/midjourney/{id}/reset", None),
    ("POST", "/v2/account/midjourney/{id}/limit", {"jobsADay": 5}),
    ("POST", "/v2/jobs/info", {"channel": "{id}"}),
    ("POST", "/v2/jobs/describe", {"channel": "{id}", "describeUrl": "{picture}"}),
    ("POST", "/v2/account/midjourney/{id}", {
        "discord": "{token}", "server": "{server}", "channel": "{id}", "maxJobs": 3,
    }),
)  # fmt: skip

MEDIA_ROUTES: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("GET", "/v2/media/{id}/0", None),
    ("HEAD", "/v2/media/{id}/0", None),
    ("GET", "/v2/media/{id}/0?tile=1&size=320&format=webp", None),
    ("GET", "/v2/media/{id}/99", None),
    ("POST", "/v2/media/{id}/0/link", {"tile": 1}),
)

VOLATILE = frozenset({"date", "x-request-id"})


async def seen(
    bob: Person, method: str, path: str, body: Any, words: dict[str, str]
) -> tuple[int, str, dict[str, str]]:
    """Return all that an answer shows, with the id that was asked for taken out."""

    def filled(text: str) -> str:
        for name, value in words.items():
            text = text.replace("{" + name + "}", value)
        return text

    sent = None if body is None else {
        key: filled(value) if isinstance(value, str) else value for key, value in body.items()
    }  # fmt: skip
    status, _, headers = await bob.call(method, filled(path), sent)
    shown = {name.lower(): value for name, value in headers.items() if name.lower() not in VOLATILE}
    return status, bob.answers[-1].raw.decode().replace(words["id"], "<id>"), shown


async def two_people(here: Installation) -> tuple[Person, Person]:
    """Give each of two users one of two accounts."""
    ada, bob = await here.person(), await here.person("bob@example.org")
    first, second = here.sim.accounts
    for person, account in ((ada, first), (bob, second)):
        await person.set_up(account)
    await here.connected(2)
    return ada, bob


@pytest.mark.parametrize("running", [True, False])
async def test_a_foreign_job_is_as_an_absent_one_on_every_route(
    install: Install, running: bool
) -> None:
    async with install(accounts=2) as here:
        ada, bob = await two_people(here)
        if running:
            here.sim.fault("no_result", account=0)
        _, job, _ = await ada.describe(here.photo())
        foreign = job["jobid"]
        if not running:
            await ada.final(foreign)
        before = await ada.job(foreign)
        absent = foreign.replace("job:2", "job:1", 1)
        for method, path in JOB_ROUTES:
            answers = [await seen(bob, method, path, None, {"id": id}) for id in (foreign, absent)]
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] == 404
            if method == "GET":
                assert answers[0][1] == '{"error":"Unable to locate job <id>","code":404}'
        assert (await bob.call("GET", "/v2/jobs"))[1] == []
        assert await ada.job(foreign) == before


async def test_a_foreign_file_is_as_an_absent_one_on_every_route(install: Install) -> None:
    async with install(accounts=2, sim_options={"picture_size": 64}) as here:
        ada, bob = await two_people(here)
        foreign = (await ada.run("imagine", prompt="a red fox"))["jobid"]
        assert (await ada.call("GET", f"/v2/media/{foreign}/0"))[0] == 200
        absent = foreign.replace("job:2", "job:1", 1)
        for method, path, body in MEDIA_ROUTES:
            answers = [await seen(bob, method, path, body, {"id": id}) for id in (foreign, absent)]
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] == 404
        # a link of another user's key, and of none
        for user in ("user:1", "user:2", "user:9"):
            told = await seen(
                bob,
                "GET",
                "/v2/media/{id}/0?expires=kept&signature=" + "A" * 43,
                None,
                {"id": absent.replace("user:1", user)},
            )
            assert told[0] == 401 and "signature" in told[1]


async def test_a_foreign_callback_is_as_an_absent_one_on_every_route(install: Install) -> None:
    async with install(accounts=2) as here:
        ada, bob = await two_people(here)
        url = f"{here.outside.url}/callback"
        job = await ada.run("info", replyUrl=url)
        await here.outside.callback()
        (own,) = (await ada.call("GET", "/v2/deliveries"))[1]["deliveries"]
        absent = own["id"][::-1]
        for method, path in (
            ("GET", "/v2/deliveries/{id}"),
            ("HEAD", "/v2/deliveries/{id}"),
            ("POST", "/v2/deliveries/{id}/redeliver"),
        ):
            answers = [
                await seen(bob, method, path, None, {"id": id}) for id in (own["id"], absent)
            ]
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] == 404
            if method != "HEAD":
                assert answers[0][1] == '{"error":"Unable to locate delivery <id>","code":404}'
        for jobid in (job["jobid"], job["jobid"].replace("job:2", "job:1", 1)):
            answer = await bob.call("GET", f"/v2/deliveries?jobid={jobid}")
            assert answer[:2] == (200, {"deliveries": []})
        assert (await bob.call("GET", "/v2/deliveries"))[1] == {"deliveries": []}
        since = {"since": "2020-01-01T00:00:00Z"}
        replayed = (await bob.call("POST", "/v2/deliveries/replay", since))[1]
        assert replayed == {"replayed": 0, "more": False}
        assert len(here.outside.callbacks) == 1


async def test_a_foreign_channel_is_as_an_absent_one_on_every_route(install: Install) -> None:
    async with install(accounts=2) as here:
        ada, bob = await two_people(here)
        first, second = here.sim.accounts
        before = await ada.account(first.channel_id)
        words = {"picture": here.photo(), "token": second.token, "server": first.guild_id}
        for method, path, body in CHANNEL_ROUTES:
            answers = [
                await seen(bob, method, path, body, words | {"id": id})
                for id in (first.channel_id, ABSENT_CHANNEL)
            ]
            assert answers[0] == answers[1], (method, path)
            assert answers[0][0] in (400, 404), answers[0]
        assert await ada.account(first.channel_id) == before
        listed = (await bob.call("GET", "/v2/account/midjourney"))[1]
        assert list(listed) == [second.channel_id]


async def test_a_channel_that_was_shared_is_as_an_absent_one_on_every_route(
    install: Install,
) -> None:
    """R32: nothing tells who might use it before."""
    async with install(accounts=2) as here:
        _, bob = await two_people(here)
        first, second = here.sim.accounts
        await here.share(first.channel_id, bob)
        assert "shared" in await bob.account(first.channel_id)
        await here.share(first.channel_id, bob, end=True)
        words = {"picture": here.photo(), "token": second.token, "server": first.guild_id}
        for method, path, body in CHANNEL_ROUTES:
            answers = [
                await seen(bob, method, path, body, words | {"id": id})
                for id in (first.channel_id, ABSENT_CHANNEL)
            ]
            assert answers[0] == answers[1], (method, path)


async def test_a_halted_foreign_channel_shows_nothing_of_its_halt(install: Install) -> None:
    async with install(accounts=2) as here:
        ada, bob = await two_people(here)
        channel = here.sim.accounts[0].channel_id
        here.sim.fault("blocked", account=0, count=1)
        assert (await ada.describe(here.photo()))[0] == 596
        for id in (channel, ABSENT_CHANNEL):
            status, answer, _ = await bob.describe(here.photo(), channel=id)
            expected = {"error": "Configuration not found for provided channel", "code": 400}
            assert (status, answer) == (400, expected)
        assert (await bob.call("POST", f"/v2/account/midjourney/{channel}/reset"))[0] == 404
        assert "pendingModMessage" in await ada.account(channel)


async def test_without_a_channel_only_ones_own_accounts_are_used(install: Install) -> None:
    """R32, I3."""
    async with install(accounts=2) as here:
        ada, bob = await two_people(here)
        here.sim.fault("no_result")
        own = {ada: here.sim.accounts[0].channel_id, bob: here.sim.accounts[1].channel_id}
        for person, channel in own.items():
            for _ in range(3):
                assert (await person.describe(here.photo()))[1]["channel"] == channel
        # R8: a full answer names the caller's own jobs
        _, full, _ = await bob.describe(here.photo())
        assert full["executingJobs"] == (await bob.call("GET", "/v2/jobs"))[1]


async def test_a_discord_account_that_another_user_has_cannot_be_taken_over(
    install: Install,
) -> None:
    async with install(accounts=2) as here:
        ada, bob = await two_people(here)
        first = here.sim.accounts[0]
        before = await ada.account(first.channel_id)
        status, answer, _ = await bob.call(
            "POST", "/v2/account/midjourney", {"discord": first.token}
        )
        error = f"Channel {first.dm_channel_id} configuration has same discord value"
        assert (status, answer) == (400, {"error": error, "code": 400})
        assert await ada.account(first.channel_id) == before
        assert (await ada.describe(here.photo()))[0] == 200
