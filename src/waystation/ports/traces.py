"""Traces: the way of a job from its POST to its callbacks, as spans that another program shows."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Final, Protocol, Self, TypedDict, Unpack

__all__ = ["NO_SPAN", "Facts", "Span", "Traces", "Untraced"]


class Facts(TypedDict, total=False):
    """All that a span may say: ids, numbers and words of our own, and nothing that a caller wrote.

    Spans leave this machine, so that a prompt, a URL or a token is no fact (R46).
    """

    jobid: str
    verb: str
    account: str
    nonce: str | None
    message: str | None
    """Id of the bot's message."""
    events: tuple[str, ...]
    """Kinds of the job's events."""
    code: int
    """The job's code, as in v2."""
    outcome: str
    """Discord's answer to an interaction: accepted, refused or unknown."""
    status: int | None
    """HTTP status."""
    callback_id: str
    attempt: int
    receiver: str
    """Scheme, host and port."""


class Span(Protocol):
    """One step of the way, which ends with its block. One that never ends is not told."""

    @property
    def context(self) -> str | None:
        """The `traceparent` by which later steps belong to it; None: nothing is traced."""
        ...

    @property
    def trace_id(self) -> str | None:
        """The id of its trace, as log lines name it; None: nothing is traced."""
        ...

    def note(self, **facts: Unpack[Facts]) -> None:
        """Add what has become known."""
        ...

    def fail(self) -> None:
        """Mark it as failed."""
        ...

    def end(self) -> None:
        """End it now."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, as failed where the block has raised."""
        ...


class Traces(Protocol):
    """Makes spans. Nothing here waits, and nothing raises."""

    def accept(self, name: str, traceparent: str | None, **facts: Unpack[Facts]) -> Span:
        """Begin the span of a request.

        Args: traceparent: the caller's; without a readable one the span begins a trace
        """
        ...

    def begin(
        self,
        name: str,
        parent: str | None,
        *,
        asks: bool = False,
        since: datetime | None = None,
        **facts: Unpack[Facts],
    ) -> Span:
        """Begin a span of a job.

        Args: parent: the job's `traceparent`; without one nothing is traced. asks: it waits for
        another host. since: the machine's time at which it began; None: now
        """
        ...


class _NoSpan:
    """Tells nothing."""

    context: None = None
    trace_id: None = None

    def note(self, **facts: Unpack[Facts]) -> None: ...

    def fail(self) -> None: ...

    def end(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None: ...


NO_SPAN: Final[Span] = _NoSpan()


class Untraced:
    """Traces nothing: no collector is set."""

    def accept(self, name: str, traceparent: str | None, **facts: Unpack[Facts]) -> Span:
        """Return a span that tells nothing."""
        return NO_SPAN

    def begin(
        self,
        name: str,
        parent: str | None,
        *,
        asks: bool = False,
        since: datetime | None = None,
        **facts: Unpack[Facts],
    ) -> Span:
        """Return a span that tells nothing."""
        return NO_SPAN
