"""How Discord refuses a request: its errors, and the faults that refuse on purpose.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from waystation.simulator.discord.limits import limited_body, limited_headers
from waystation.simulator.payload import Payload, encode

__all__ = [
    "ERRORS",
    "Effect",
    "Refused",
    "cloudflare_page",
    "error_effect",
    "invalid_form",
    "outdated",
    "rate_limited",
    "server_error",
]

JSON = "application/json"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Effect:
    """Refusals: a request's fate instead of, or around, its proper answer."""

    status: int = 204
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    executes: bool = False
    """The route does its work before this answer is given."""
    reset: bool = False
    """The TCP connection is reset instead of an answer."""
    hang_s: float = 0.0
    """Real seconds of silence before the answer."""


class Refused(Exception):
    """A request that Discord answers with an error."""

    def __init__(self, effect: Effect) -> None:
        super().__init__(effect.status)
        self.effect = effect


ERRORS: Mapping[str, tuple[int, int, str]] = {
    "unauthorized": (401, 0, "401: Unauthorized"),
    "not_found": (404, 0, "404: Not Found"),
    "method_not_allowed": (405, 0, "405: Method Not Allowed"),
    "unknown_application": (404, 10002, "Unknown Application"),
    "unknown_channel": (400, 10003, "Unknown Channel"),
    "no_channel": (404, 10003, "Unknown Channel"),
    "unknown_guild": (404, 10004, "Unknown Guild"),
    "unknown_member": (404, 10007, "Unknown Member"),
    "unknown_user": (404, 10013, "Unknown User"),
    "not_the_author": (403, 50005, "Cannot edit a message authored by another user"),
    "only_own_application": (403, 20012, "You are not authorized to perform this action"),
    "unknown_webhook": (404, 10015, "Unknown Webhook"),
    "unknown_message": (404, 10008, "Unknown Message"),
    "unknown_interaction": (404, 10062, "Unknown interaction"),
    "unknown_command": (404, 10063, "Unknown application command"),
    "only_bots": (403, 20002, "Only bots can use this endpoint"),
    "only_users": (403, 20001, "Bots cannot use this endpoint"),
    "too_large": (413, 40005, "Request entity too large"),
    "missing_access": (403, 50001, "Missing Access"),
    "missing_permissions": (403, 50013, "Missing Permissions"),
    "empty_message": (400, 50006, "Cannot send an empty message"),
    "abuse_block": (403, 10008, "Unknown Message"),
    "verify_account": (
        403,
        40002,
        "You need to verify your account in order to perform this action.",
    ),
    "server_error": (500, 0, "500: Internal Server Error"),
}
"""Status, code and message by name. Source: wire notes 1.2 and Discord's error table."""


def error_effect(name: str) -> Effect:
    """Return one row of `ERRORS` as an answer."""
    status, code, message = ERRORS[name]
    return Effect(status, encode({"message": message, "code": code}))


def invalid_form(field_path: str, code: str, message: str) -> Refused:
    """Return the 400 that names the wrong field, a dot between its levels."""
    errors: Payload = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field_path.split(".")):
        errors = {part: errors}
    body = {"message": "Invalid Form Body", "code": 50035, "errors": errors}
    return Refused(Effect(400, encode(body)))


def outdated() -> Refused:
    """Return the 400 for a command version that is no longer accepted."""
    return invalid_form(
        "data.version",
        "INTERACTION_APPLICATION_COMMAND_INVALID_VERSION",
        "This command is outdated, please try again in a few minutes",
    )


def rate_limited(retry_after_s: float, *, is_global: bool) -> Effect:
    """Return a 429 with Discord's body and headers."""
    body = encode(limited_body(retry_after_s, is_global=is_global))
    return Effect(429, body, headers=limited_headers(retry_after_s, is_global=is_global))


def server_error(status: int, *, executes: bool) -> Effect:
    """Return a 5xx: JSON from Discord itself for 500, a proxy's page for the others."""
    if status == 500:
        return Effect(500, error_effect("server_error").body, executes=executes)
    return Effect(status, cloudflare_page(status), HTML, executes=executes)


def cloudflare_page(status: int) -> bytes:
    """Write the page that stands in front of Discord when Discord itself is not reached."""
    return f"<html><head><title>{status}</title></head><body>{status}</body></html>".encode()
