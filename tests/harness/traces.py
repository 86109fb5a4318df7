"""Traces that a unit test reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, Unpack

from waystation.ports import NO_SPAN, Facts, Span

__all__ = ["TRACE", "FakeSpan", "FakeTraces", "context"]

TRACE = "0af7651916cd43dd8448eb211c80319c"


def context(span: int) -> str:
    """Return the `traceparent` of the n-th span."""
    return f"00-{TRACE}-{span:016x}-01"


@dataclass
class FakeSpan:
    """A span as it was told."""

    name: str
    parent: str | None
    context: str
    facts: Facts
    asks: bool = False
    since: datetime | None = None
    failed: bool = False
    ended: bool = False
    trace_id: str = TRACE

    def note(self, **facts: Unpack[Facts]) -> None:
        self.facts.update(facts)

    def fail(self) -> None:
        self.failed = True

    def end(self) -> None:
        self.ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.failed = self.failed or kind is not None
        self.end()


@dataclass
class FakeTraces:
    """Implements `ports.Traces`; the spans count from 1."""

    spans: list[FakeSpan] = field(default_factory=list)

    def accept(self, name: str, traceparent: str | None, **facts: Unpack[Facts]) -> Span:
        return self._begun(name, traceparent, facts)

    def begin(
        self,
        name: str,
        parent: str | None,
        *,
        asks: bool = False,
        since: datetime | None = None,
        **facts: Unpack[Facts],
    ) -> Span:
        if parent is None:
            return NO_SPAN
        span = self._begun(name, parent, facts)
        span.asks, span.since = asks, since
        return span

    def _begun(self, name: str, parent: str | None, facts: Facts) -> FakeSpan:
        span = FakeSpan(name, parent, context(len(self.spans) + 1), Facts(**facts))
        self.spans.append(span)
        return span
