"""ACTS: what the demo does, in order: one row per act, one function per row."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

from rich.console import Group, RenderableType
from rich.panel import Panel

from waystation.cli.demo.processes import finished
from waystation.cli.demo.stage import Stage
from waystation.cli.demo.tiles import tile_of
from waystation.cli.job_view import headline, labels, prompts, readable, sayings
from waystation.cli.screen import Grid, fields, plain
from waystation.client import Client, Job
from waystation.errors import ButtonRepeated, Halted
from waystation.secret import mask

__all__ = ["ACTS", "Act", "letter"]

_EMAIL = "demo@example.org"
_PROMPTS = 4
_PROMPT = "a fox in snow --ar 3:2"
_RUNNING = ("an owl in rain", "a bear in fog", "an elk in wind")
"""As many as the account takes at once."""

_WAITING = ("a hen in hail", "a fox in sun", "a cat in dew")
_CALLBACK_WITHIN_S = 10.0
_MAIL_WITHIN_S = 10.0


async def people(stage: Stage) -> None:
    """Add a user on the host, and two Discord accounts over the API."""
    user = await finished(
        stage.environment, "waystation", "users", "add", "--email", _EMAIL, "--json"
    )
    stage.token = str(user["token"])
    stage.client = Client(stage.url, stage.token)
    stage.check(
        stage.token.startswith(f"user:{user['id']}-"),
        f"user {user['id']} was added; the API token is shown once: {mask(stage.token)}",
    )
    for given in stage.simulator["accounts"]:
        account = await stage.client.add_discord_account(given["token"], max_jobs=3)
        stage.channels.append(account["channel"])
        stage.check(
            account["channel"] == given["dm_channel_id"],
            f"account {account['discord']}: the service found its channel {account['channel']}",
        )


async def info(stage: Stage) -> None:
    """Ask the bot about the account."""
    job = await stage.client.info(channel=stage.channels[0])
    stage.check(job.get("status") == "completed", "the POST answered with the bot's own words:")
    for said in sayings(job):
        stage.show(plain(readable(said), "dim", lines=True), indent=4)


async def describe_file(stage: Stage) -> None:
    """Describe a picture that is sent along, and receive the callback."""
    started = await stage.client.describe(
        stage.picture, reply_url=stage.site.callback_url, reply_ref="demo"
    )
    stage.check(
        started.get("status") == "started" and "messageId" in started,
        f"the POST answered {started.get('status')} when the bot began: {started.get('jobid')}",
    )
    job = await stage.wait("describe", started)
    _show_prompts(stage, job)
    body = await stage.site.callback(job["jobid"], _CALLBACK_WITHIN_S)
    stage.check(body == job, "the callback came, with the same body that GET answers")


async def describe_url(stage: Stage) -> None:
    """Describe a picture that the service fetches from a URL."""
    started = await stage.client.describe(stage.site.picture_url, channel=stage.channels[1])
    job = await stage.wait("describe", started)
    stage.check(
        job.get("describeUrl") == stage.site.picture_url,
        f"the service fetched {stage.site.picture_url} itself",
    )
    _show_prompts(stage, job)


async def imagine(stage: Stage) -> None:
    """Let the bot draw four pictures."""
    started = await stage.client.imagine(_PROMPT, channel=stage.channels[0])
    stage.check(
        started.get("status") == "started",
        f"the POST answered {started.get('status')} when the bot began: {started.get('jobid')}",
    )
    job = await stage.wait("imagine", started)
    _check_grid(stage, job)
    await stage.picture_of(job)


async def upscale(stage: Stage) -> None:
    """Press U2 of the four, and once more, which is refused."""
    grid = stage.ended("imagine")
    job = await stage.wait("U2", await stage.client.button(grid["jobid"], "U2"))
    stage.check(
        job.get("status") == "completed" and "Vary (Strong)" in job.get("buttons", ()),
        f"{headline(job).plain[2:]}; one picture, {_choice(job)}",
    )
    stage.check(job.get("parentJobId") == grid["jobid"], "its parent is the job of the four")
    tile = tile_of(await stage.picture_of(grid), await stage.picture_of(job))
    stage.check(tile == 2, f"compared pixel by pixel it is picture {tile} of the four")
    children = (await stage.client.job(grid["jobid"])).get("children", [])
    named = any(
        child.items() >= {"button": "U2", "jobid": job["jobid"]}.items() for child in children
    )
    stage.check(named, "the job of the four now lists it among its children")
    earlier = await _pressed_before(stage, grid, "U2")
    stage.check(earlier == job["jobid"], "a second U2 answers 409 and names the first")


async def vary(stage: Stage) -> None:
    """Press Vary (Strong) of the picture that was upscaled."""
    single = stage.ended("U2")
    job = await stage.wait("vary", await stage.client.button(single["jobid"], "Vary (Strong)"))
    _check_grid(stage, job)
    stage.check(job.get("parentJobId") == single["jobid"], "its parent is the job of the one")
    await stage.picture_of(job)


async def moderated(stage: Stage) -> None:
    """Trip the bot's content rules."""
    # `nonce`: the bot refuses with its first words, so the POST itself tells it.
    await stage.fault("invalid_link_moderated", command="describe", form="nonce")
    answer = await stage.client.describe(stage.picture, channel=stage.channels[0])
    job = await stage.client.job(answer["jobid"])
    stage.check(answer.get("code") == 422, "the POST answered 422:")
    stage.show(plain(f"{answer.get('error')}: {answer.get('errorDetails')}", "dim"), indent=4)
    stage.check(job.get("status") == "moderated", "the job stays readable, with its reason")


async def halted(stage: Stage) -> None:
    """Halt one account by a moderation notice, read the e-mail, reset."""
    first, second = stage.channels[:2]
    await stage.fault("pending_mod_message", command="describe")
    job = await stage.client.describe(stage.picture, channel=first)
    stage.check(job.get("code") == 596, "the bot showed a pending moderation message: 596")
    account = await stage.client.discord_account(first)
    stage.check("pendingModMessage" in account, "the account says why it is halted:")
    stage.show(plain(account.get("pendingModMessage", ""), "dim", lines=True), indent=4)
    stage.check(await _is_halted(stage, first), "later calls on its channel answer 596 at once")
    other = await stage.client.info(channel=second)
    stage.check(other.get("code") == 200, "the other account works on: only that channel halted")
    mail = await stage.mailbox.next(_MAIL_WITHIN_S)
    stage.check(mail is not None and mail["To"] == _EMAIL, "its owner got an e-mail:")
    if mail is not None:
        stage.show(letter(mail), indent=4)
    await stage.client.reset_discord_account(first)
    again = await stage.client.info(channel=first)
    stage.check(again.get("code") == 200, "after the reset the account works again")


async def killed(stage: Stage) -> None:
    """Kill the service while three jobs run and three wait, start it again, and see all finish."""
    channel, url = stage.channels[1], stage.site.callback_url
    running = [
        asyncio.ensure_future(stage.client.imagine(prompt, channel=channel, reply_url=url))
        for prompt in _RUNNING
    ]
    jobs = [*await asyncio.gather(*running)]
    for prompt in _WAITING:
        jobs.append(await stage.client.imagine(prompt, channel=channel, reply_url=url, queue=True))
    await stage.service.kill()
    waiting = [job for job in jobs if job.get("status") == "created"]
    stage.check(
        len(waiting) == len(_WAITING),
        f"{len(waiting)} jobs waited in the queue when the service was killed (SIGKILL)",
    )
    await stage.service.start()
    stage.show("the service was started again:")
    for number, asked in enumerate(jobs, 1):
        what = "imagine" if asked not in waiting else "waiting imagine"
        job = await stage.wait(f"{what} {number}", asked)
        told = await stage.site.callback(job["jobid"], _CALLBACK_WITHIN_S)
        stage.check(
            job.get("status") == "completed" and told == job,
            f"{headline(job).plain[2:]}; its callback came, too",
        )


Act = tuple[str, Callable[[Stage], Awaitable[None]]]
"""Title and function of an act."""

ACTS: tuple[Act, ...] = (
    ("A user and two Discord accounts", people),
    ("info", info),
    ("describe, with a picture file", describe_file),
    ("describe, with a URL", describe_url),
    ("imagine", imagine),
    ("button U2, which upscales", upscale),
    ("button Vary (Strong)", vary),
    ("A picture that the bot's rules refuse", moderated),
    ("An account that Midjourney halts", halted),
    ("A service that is killed while three jobs wait", killed),
)
"""Title and function of each act."""


def _show_prompts(stage: Stage, job: Job) -> None:
    said = prompts(job)
    stage.check(
        job.get("status") == "completed" and len(said) == _PROMPTS,
        f"{headline(job).plain[2:]}; the bot wrote {len(said)} prompts for the picture:",
    )
    for prompt in said:
        stage.show(plain(prompt, "cyan", lines=True), indent=4)


def _check_grid(stage: Stage, job: Job) -> None:
    pressed = [f"{kind}{number}" for kind in "UV" for number in range(1, 5)]
    size = "{width} x {height}".format_map(defaultdict(str, *job.get("attachments", [])[:1]))
    stage.check(
        job.get("status") == "completed" and set(pressed) <= set(job.get("buttons", ())),
        f"{headline(job).plain[2:]}; four pictures in one of {size}, {_choice(job)}",
    )


def _choice(job: Job) -> str:
    return "to press " + labels(job.get("buttons", []))


async def _pressed_before(stage: Stage, job: Job, button: str) -> str:
    """Press once more; return the job that the refusal names."""
    try:
        await stage.client.button(job["jobid"], button)
    except ButtonRepeated as refused:
        return refused.jobid
    return ""


async def _is_halted(stage: Stage, channel: str) -> bool:
    try:
        await stage.client.describe(stage.picture, channel=channel)
    except Halted:
        return True
    return False


def letter(mail: EmailMessage) -> RenderableType:
    """Return a mail in a frame."""
    head = fields({name: mail[name] for name in ("From", "To", "Subject") if mail[name]})
    body = mail.get_content() if mail.get_content_maintype() == "text" else ""
    text = body.replace("\r\n", "\n").strip()
    # a text in a Panel is cropped where nothing may be folded
    folded = Grid()
    folded.add_row(plain(text, lines=True))
    return Panel(Group(head, "", folded), expand=False, border_style="dim")
