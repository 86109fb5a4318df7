"""Options of a simulator at its start; every number that a test may want to shorten.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ENGLISH", "MAX_PICTURE", "MAX_SPEED", "MIN_PICTURE", "MIN_SPEED", "Options"]

ENGLISH = "en-US"
_URL = re.compile(r"https?://[^/\s?#@]+")
MIN_SPEED = 1.0
MAX_SPEED = 1000.0
MIN_PICTURE = 64
MAX_PICTURE = 2048


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one simulator.

    `speed` divides the bot's own delays and nothing else: seconds given to a fault, the life of a
    link and the gateway's intervals are real seconds.
    """

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port."""
    public_url: str = ""
    """The beginning of links and addresses, where that is not the port itself: behind a proxy."""
    tls_cert: str = ""
    tls_key: str = ""
    """Paths of PEM files; with both the port speaks TLS."""
    accounts: int = 1
    bots: int = 1
    model: str = "8.2"
    """Of a new account: a row of `buttons.MODELS`. V8.2 is Midjourney's default since July 2026."""
    locale: str = ENGLISH
    """The users' language: Discord's refusals and the command index are in it."""
    seed: int = 1
    speed: float = 1.0

    large_guilds: bool = False
    """Every guild has more members than a session hears of unasked: what is said there is told to
    a user's session once it has subscribed (opcode 37 or 14)."""
    clock_ahead_s: float = 0.0
    """How far the simulator's clock is ahead of the machine's: ids, times, links, Date headers."""
    strict_sessions: bool = False
    """Refuse interactions whose `session_id` is not a live gateway session of the token."""
    resume_window_s: float = 180.0
    """How long a dropped session waits for its RESUME. Discord says "some minutes"."""
    replay_limit: int = 10_000
    """Dispatches kept for replay per session; an older sequence cannot be resumed."""
    heartbeat_interval_ms: int = 41_250
    identify_gap_s: float = 0.0
    """Least time between two IDENTIFYs of a token; Discord asks 5 s, here off by default."""
    max_sessions: int = 50
    max_sends_per_minute: int = 120
    queue_frames: int = 100_000
    """A reader that falls this many frames behind is closed with 4000."""

    rate_limits: bool = True
    global_limit_per_s: int = 50
    max_file_bytes: int = 10 * 1024 * 1024
    link_life_s: float = 86_400.0
    stored_bytes: int = 256 * 1024 * 1024
    """The oldest uploaded files go when all together pass this."""

    picture_size: int = 2048
    """Side of a square grid in pixels; all other pictures follow from it."""
    form_life_s: float = 900.0
    """How long a form or an iframe waits to be sent: our choice."""

    log_limit: int = 20_000
    book_limit: int = 20_000
    history_limit: int = 10_000
    """Messages kept per channel."""

    def __post_init__(self) -> None:
        if not MIN_SPEED <= self.speed <= MAX_SPEED:
            raise ValueError(f"speed must lie in {MIN_SPEED:g}..{MAX_SPEED:g}, not {self.speed:g}")
        if not MIN_PICTURE <= self.picture_size <= MAX_PICTURE:
            wanted = f"{MIN_PICTURE}..{MAX_PICTURE}"
            raise ValueError(f"a picture's size must lie in {wanted}, not {self.picture_size}")
        if bool(self.tls_cert) is not bool(self.tls_key):
            raise ValueError("TLS needs a certificate and its key: both --tls-cert and --tls-key")
        if self.public_url and not _URL.fullmatch(self.public_url):
            raise ValueError(f"a public URL looks like https://host:port, not {self.public_url!r}")
        if self.accounts < 1 or self.bots < 0:
            raise ValueError("a simulator needs at least one account")
