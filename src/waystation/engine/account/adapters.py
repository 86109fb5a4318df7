"""Adapters and numbers that an owner works with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from waystation.engine.feed import Feed
from waystation.engine.outbox.claims import Claims, Unclaimed
from waystation.ignored import Ignored
from waystation.jobs import Nonce
from waystation.midjourney.conversation import Limits
from waystation.ports import (
    Clock,
    IdSource,
    Sealer,
    Store,
    Traces,
    TransportFactory,
    Untraced,
)

__all__ = ["Adapters", "OwnerLimits"]


@dataclass(frozen=True, slots=True)
class Adapters:
    """The ports an owner works through."""

    store: Store
    transports: TransportFactory
    sealer: Sealer
    clock: Clock
    ids: IdSource
    feed: Feed
    nudge_outbox: Callable[[], None]
    """Called when callbacks or mails were written."""
    freed: Callable[[str], None] = lambda account_id: None
    """Called with an account_id when the account may take another job, or a job has left it."""
    cdn_url: str = ""
    """Midjourney's own content network, for links to single pictures; empty: no links."""
    ignored: Counter[Ignored] = field(default_factory=Counter)
    """Messages of the gateway that changed no job, of all accounts."""
    copies: bool = False
    """True when files of jobs are copied."""
    expect_copies: Callable[[datetime], None] = lambda at: None
    """Called with the moment in which files were written down to be copied."""
    traces: Traces = field(default_factory=Untraced)
    claims: Callable[[], Claims] = Unclaimed
    """Gives what sends the callbacks that a step has written, without a further transaction."""

    def new_nonce(self) -> Nonce:
        """Return the id of a request that is made now."""
        return self.ids.nonce(self.clock.now())


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """Numbers from the settings."""

    conversation: Limits
    pacing_s: float
    pacing_jitter_s: float
    request_timeout_s: float
    lease_s: float
    send_within_s: float
    """Age up to which a job that an earlier process has not sent is sent."""
    cancel_wait_s: float = 10.0
    """Longest wait for the bot's word on a cancel (R26)."""
    session_save_s: float = 30.0
    """Pause between two saves of an advanced gateway sequence when nothing else is written."""
