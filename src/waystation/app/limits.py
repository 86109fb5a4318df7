"""Limits: the operator's numbers, as each part of the service takes them.

A default stands in the row of its setting, and nowhere else: a part has none for what is set.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network

from waystation.api.body import Limits as BodyLimits
from waystation.api.protocol import Bounds
from waystation.engine.account.adapters import OwnerLimits
from waystation.engine.account.turns import lane
from waystation.engine.choice import jobs_a_minute
from waystation.engine.outbox.janitor import Retention
from waystation.engine.service_limits import QueueLimits, ServiceLimits
from waystation.media.copying import Bounds as CopyBounds
from waystation.midjourney.conversation import Limits
from waystation.outbound.fetch import FetchLimits
from waystation.settings import Settings

__all__ = [
    "FILES_PER_FETCH",
    "body_limits",
    "bounds",
    "copy_bounds",
    "drain_step_s",
    "fetch_limits",
    "owner_limits",
    "retention",
    "service_limits",
]


def drain_step_s(settings: Settings) -> float:
    """Return how long each step of a stop waits for what is under way, in seconds."""
    return settings.drain_s / 4


def body_limits(settings: Settings) -> BodyLimits:
    """Return how much of a request's body is read."""
    return BodyLimits(
        json_bytes=settings.json_limit_bytes,
        form_bytes=settings.form_limit_bytes,
        body_s=settings.body_timeout_s,
    )


def bounds(settings: Settings) -> Bounds:
    """Return the limits of one connection."""
    return Bounds(
        head_s=settings.head_timeout_s,
        proxies=tuple(ip_network(text) for text in settings.trusted_proxies),
    )


def service_limits(settings: Settings) -> ServiceLimits:
    """Return how much the callers' use cases take in, and how long they wait."""
    most = lane(settings.first_answer_s, settings.pacing_s)
    return ServiceLimits(
        first_answer_s=settings.first_answer_s,
        first_edit_s=settings.first_edit_s,
        lane=most,
        a_minute=jobs_a_minute(most, settings.pacing_s),
        pictures_per_user=settings.fetches_per_user,
        pictures=settings.fetches,
        picture_bytes=settings.fetch_limit_bytes,
        input_bytes=settings.input_bytes_per_user,
        queue=QueueLimits(timedelta(hours=settings.queue_hours), settings.queue_per_user),
    )


def owner_limits(settings: Settings) -> OwnerLimits:
    """Return the numbers that the owner of an account works with."""
    return OwnerLimits(
        conversation=Limits(
            first_answer=timedelta(seconds=settings.first_answer_s),
            job_timeout=timedelta(seconds=settings.job_timeout_s),
            silence=timedelta(seconds=settings.silence_s),
            vanish_grace=timedelta(seconds=settings.vanish_grace_s),
            slot_hold=timedelta(seconds=settings.slot_hold_s),
            ghost_life=timedelta(seconds=settings.ghost_life_s),
            blind_grace=timedelta(seconds=settings.blind_grace_s),
            track_queued=settings.track_queued_jobs,
        ),
        pacing_s=settings.pacing_s,
        pacing_jitter_s=settings.pacing_jitter_s,
        request_timeout_s=settings.request_timeout_s,
        lease_s=settings.lease_s,
        send_within_s=settings.send_within_s,
    )


def fetch_limits(settings: Settings) -> FetchLimits:
    """Return how large a fetched picture may be, and how long a fetch may take."""
    return FetchLimits(
        max_bytes=settings.fetch_limit_bytes,
        max_pixels=settings.fetch_limit_pixels,
        timeout_s=settings.fetch_timeout_s,
    )


def copy_bounds(settings: Settings) -> CopyBounds:
    """Return how much room copies of files take."""
    return CopyBounds(int(settings.media_gib * 1024**3))


FILES_PER_FETCH = 4
"""Files of jobs that all users read at once, for each picture that they take in: readers may be
slow, and a file that passes through takes little memory."""


def retention(settings: Settings) -> Retention:
    """Return how long things are kept."""
    return Retention(
        jobs=timedelta(days=settings.job_retention_days),
        unrecognised=timedelta(days=settings.unrecognised_days),
        round=timedelta(seconds=settings.janitor_s),
        orphan_grace=timedelta(seconds=settings.blind_grace_s),
        send_within=timedelta(seconds=settings.send_within_s),
    )
