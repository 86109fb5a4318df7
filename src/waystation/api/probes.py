"""Probes: is the process alive, can it work, and its totals (R48).

Rules: open to everyone who can reach the port, so nothing here names a user, channel or account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from waystation import sentences
from waystation.api.answer import Answer, json_answer
from waystation.api.call import Call
from waystation.api.resource import Path
from waystation.engine.service import Service
from waystation.ignored import Ignored
from waystation.ports import CopiesKept, Counts

__all__ = ["HealthForm", "ReadinessForm", "probe_paths"]

_METRICS_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

_RETRY_AFTER = (b"retry-after", b"5")


class HealthForm(msgspec.Struct):
    """The process answers."""

    status: str = "ok"


class ReadinessForm(msgspec.Struct, omit_defaults=True):
    """True when Waystation can take jobs; with 503 also in the one error shape."""

    ready: bool
    problems: Annotated[Sequence[str], msgspec.Meta(description="what is broken")]
    sessions: Annotated[Mapping[str, int], msgspec.Meta(description="gateway sessions by state")]
    warnings: Annotated[
        Sequence[str], msgspec.Meta(description="what works all the same and should be mended")
    ] = ()
    error: str | None = None
    code: int | None = None


def probe_paths(
    service: Service, registry: CollectorRegistry | None, answered: Mapping[int, int]
) -> Sequence[Path]:
    """Return the probes' rows of the route table.

    Args:
        registry: further metrics to show; None leaves `/metrics` out
        answered: how often each HTTP status was answered; read at each look
    """

    async def healthz(call: Call) -> Answer:
        return json_answer(HealthForm())

    async def readyz(call: Call) -> Answer:
        return await _readiness(service)

    paths = [Path("/healthz", {"GET": healthz}), Path("/readyz", {"GET": readyz})]
    if registry is not None:
        totals = _Totals(answered)
        registry.register(totals)

        async def metrics(call: Call) -> Answer:
            readiness = await service.readiness()
            counts = await service.counts()
            waits = service.waits(counts)
            copies = await service.media.copies()
            totals.show(counts, readiness.sessions, readiness.ready, service.ignored, waits, copies)
            return Answer(200, generate_latest(registry), content_type=_METRICS_TYPE)

        paths.append(Path("/metrics", {"GET": metrics}))
    return paths


async def _readiness(service: Service) -> Answer:
    readiness = await service.readiness()
    form = ReadinessForm(
        readiness.ready, readiness.problems, readiness.sessions, readiness.warnings
    )
    if readiness.ready:
        return json_answer(form)
    form.error, form.code = sentences.NOT_READY.text, 503
    return json_answer(form, 503, (_RETRY_AFTER,))


class _Totals(Collector):
    """Counters of the service and of this face, as Prometheus reads them."""

    def __init__(self, answered: Mapping[int, int]) -> None:
        self._answered = answered
        self._counts = Counts()
        self._sessions: Mapping[str, int] = {}
        self._ready = False
        self._ignored: Mapping[Ignored, int] = {}
        self._waits: Mapping[str, float] = {}
        self._copies: tuple[CopiesKept, bool] | None = None

    def show(
        self,
        counts: Counts,
        sessions: Mapping[str, int],
        ready: bool,
        ignored: Mapping[Ignored, int],
        waits: Mapping[str, float],
        copies: tuple[CopiesKept, bool] | None,
    ) -> None:
        """Take what the next look shows."""
        self._copies = copies
        self._waits = waits
        self._ignored = ignored
        self._counts = counts
        self._sessions = sessions
        self._ready = ready

    def collect(self) -> Iterable[Metric]:
        """Return the families, as the registry asks for them."""
        counts = self._counts
        yield _gauges("jobs", "Stored jobs.", "status", counts.jobs_by_status)
        yield _gauges("gateway_sessions", "Gateway sessions.", "state", self._sessions)
        for name, help_text, value in (
            ("ready", "Whether database and key can be used.", int(self._ready)),
            ("accounts", "Configured accounts.", counts.accounts),
            ("accounts_halted", "Accounts that wait for a person.", counts.accounts_halted),
            ("callbacks_pending", "Callbacks still to be made.", counts.callbacks_pending),
            ("jobs_waiting", "Jobs that wait in the queue.", counts.queued),
            ("commands_waiting", "Requests that wait for another node.", counts.commands),
            ("mails_pending", "Mails still to be sent.", counts.mails_pending),
            ("unrecognised_messages", "Bot messages that no row claims.", counts.unrecognised),
        ):
            yield GaugeMetricFamily(f"waystation_{name}", help_text, value=value)
        if self._copies is not None:
            kept, is_full = self._copies
            for name, help_text, value in (
                ("copies_bytes", "Room that copies of files take.", kept.size),
                ("copies_waiting", "Files that are still to be copied.", kept.waiting),
                (
                    "copies_stopped",
                    "1 while no copy is made, for want of room or of their folder.",
                    int(is_full),
                ),
            ):
                yield GaugeMetricFamily(f"waystation_{name}", help_text, value=value)
        yield _gauges(
            "longest_wait_seconds",
            "How long the oldest has waited: a job for its end, a slot for its job, a callback for "
            "its receiver, a queued job for an account, an account for its connection, the "
            "listener for news of other nodes.",
            "of",
            self._waits,
        )
        yield _counters(
            "messages_ignored",
            "Messages of the gateway that changed no job since the start.",
            "reason",
            {str(reason): self._ignored.get(reason, 0) for reason in Ignored},
        )
        yield _counters(
            "http_answers",
            "HTTP answers since the start.",
            "code",
            {str(status): number for status, number in self._answered.items()},
        )

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the families differ from look to look."""
        return iter(())


def _gauges(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"waystation_{name}", help_text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def _counters(name: str, help_text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"waystation_{name}", help_text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
