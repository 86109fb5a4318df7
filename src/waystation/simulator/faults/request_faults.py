"""Faults of requests: what answers in place of a route.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from waystation.simulator.discord.refusals import (
    HTML,
    Effect,
    cloudflare_page,
    error_effect,
    outdated,
    rate_limited,
    server_error,
)
from waystation.simulator.faults.fault import Fault, Place
from waystation.simulator.payload import Payload, encode

__all__ = ["REQUEST_FAULTS"]


def _http(name: str, about: str, http: Callable[[Payload], Effect], **params: object) -> Fault:
    return Fault(
        name, about, {**params, "route": "interactions", "locale": ""}, Place.HTTP, http=http
    )


def _captcha(params: Payload) -> Effect:
    body = {
        "captcha_key": ["captcha-required"],
        "captcha_sitekey": "00000000-0000-0000-0000-000000000000",
        "captcha_service": "hcaptcha",
        "captcha_session_id": "simulated",
        "captcha_rqdata": "simulated",
        "captcha_rqtoken": "simulated",
        "should_serve_invisible": False,
    }
    return Effect(400, encode(body))


REQUEST_FAULTS: tuple[Fault, ...] = (
    _http(
        "rate_limited_bucket",
        "429 of the route's bucket.",
        lambda params: rate_limited(params["retry_after"], is_global=False),
        retry_after=1.337,
    ),
    _http(
        "rate_limited_global",
        "429 of the whole token.",
        lambda params: rate_limited(params["retry_after"], is_global=True),
        retry_after=10,
    ),
    _http(
        "rate_limited_proxy",
        "429 from the proxy in front of Discord: a page, not JSON.",
        lambda params: Effect(429, cloudflare_page(429), HTML),
    ),
    _http(
        "server_error_before",
        "5xx; the request was not executed.",
        lambda params: server_error(params["status"], executes=False),
        status=502,
    ),
    _http(
        "server_error_after",
        "5xx; the request was executed all the same.",
        lambda params: server_error(params["status"], executes=True),
        status=502,
    ),
    _http(
        "reset_before",
        "The connection is reset; the request was not executed.",
        lambda params: Effect(reset=True),
    ),
    _http(
        "reset_after",
        "The connection is reset; the request was executed all the same.",
        lambda params: Effect(reset=True, executes=True),
    ),
    _http(
        "hang_before",
        "No answer for so long, then 504; the request was not executed.",
        lambda params: replace(server_error(504, executes=False), hang_s=params["seconds"]),
        seconds=30.0,
    ),
    _http(
        "hang_after",
        "The request is executed, then no answer for so long, then 504.",
        lambda params: replace(server_error(504, executes=True), hang_s=params["seconds"]),
        seconds=30.0,
    ),
    _http("captcha_400", "Discord wants a human check before it goes on.", _captcha),
    _http("unauthorized_401", "The token is refused.", lambda params: error_effect("unauthorized")),
    _http("missing_access_403", "403, code 50001.", lambda params: error_effect("missing_access")),
    _http(
        "missing_permissions_403",
        "403, code 50013.",
        lambda params: error_effect("missing_permissions"),
    ),
    _http(
        "abuse_block_403",
        "403, code 10008: the block against abuse in the clothes of Unknown Message.",
        lambda params: error_effect("abuse_block"),
    ),
    _http("verify_account_403", "403, code 40002.", lambda params: error_effect("verify_account")),
    _http(
        "unknown_channel_400",
        "400, code 10003, although the channel is right.",
        lambda params: error_effect("unknown_channel"),
    ),
    _http("unknown_channel_404", "404, code 10003.", lambda params: error_effect("no_channel")),
    _http(
        "unknown_message_404", "404, code 10008.", lambda params: error_effect("unknown_message")
    ),
    _http(
        "unknown_command_404", "404, code 10063.", lambda params: error_effect("unknown_command")
    ),
    _http(
        "outdated_400",
        "400 for an outdated command, although it is of the newest version.",
        lambda params: outdated().effect,
    ),
)
"""Rows of `faults.FAULTS`; each takes beside its own parameters `route`, and `locale` for an answer
in another language than the account's."""
