"""The region editor: the host that takes the painted mask of Vary (Region).

It is not Discord's API: the account's token stays at home. Source: wire notes 3.6.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import quote

import msgspec
from yarl import URL

from waystation import sentences
from waystation.actions import Outcome, Paint, Refused, Unknown
from waystation.discord.answers import outcome_of
from waystation.discord.calls import FAILURES, NOT_SENT, read_answer, time_left_s, within
from waystation.discord.site import Site
from waystation.errors import Unreachable
from waystation.reasons import why

__all__ = ["paint"]


async def paint(site: Site, action: Paint, deadline: float) -> Outcome:
    """Send a mask to the activity, by its newer path, and by the older where that is unknown.

    Args: deadline: monotonic seconds
    Raises: Unreachable: nothing was sent
    """
    mask = base64.b64encode(action.mask).decode()
    newer = {"mask": mask, "prompt": action.prompt}
    account = {"full_prompt": None, "userId": "0", "username": "0"}
    older = newer | account | {"customId": action.token}
    outcome = await _post(
        site, f"/.proxy/inpaint/api/submit-job/{quote(action.token)}", newer, deadline
    )
    if isinstance(outcome, Refused) and outcome.status in (404, 405):
        return await _post(site, "/inpaint/api/submit-job", older, deadline)
    return outcome


async def _post(site: Site, path: str, body: Mapping[str, object], deadline: float) -> Outcome:
    timeout_s = time_left_s(site, deadline)
    headers = {"Content-Type": "application/json", "User-Agent": site.user_agent}
    try:
        async with site.http.post(
            URL(site.activity_url.rstrip("/") + path),
            data=msgspec.json.encode(body),
            headers=headers,
            allow_redirects=False,
            timeout=within(timeout_s),
        ) as response:
            answer = await read_answer(response)
    except NOT_SENT as error:
        raise Unreachable(
            sentences.NO_REGION_EDITOR.text,
            details=f"{site.activity_url} could not be reached ({why(error)}); "
            "WAYSTATION_ACTIVITY_URL names it",
        ) from error
    except FAILURES as error:
        return Unknown(f"no answer from the region editor: {why(error)}")
    outcome = outcome_of(answer, None)
    if isinstance(outcome, Refused):
        # what this host refuses says nothing about the account
        return Refused(outcome.status, outcome.body, "invalid")
    return outcome
