"""Inputs: what an accepted job needs to be asked, kept as sealed rows until it was.

How it works: what is pressed, its source, and the kinds and sizes of the pictures are the plan; the
bytes of all pictures, one after the other, are cut into parts. Inputs of one part are written with
their job. Larger ones are written before it, part by part, so that no write holds up other jobs;
what no job takes over is dropped.

Rules: rows are the truth. Whoever owns the account can send the job from them, in another process,
too, though its parent may be gone and no URL is fetched again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec

from waystation import sentences
from waystation.actions import Action, Press, React
from waystation.errors import StoreError, Throttled
from waystation.jobs import Job, Source
from waystation.ports import (
    Fetched,
    IdSource,
    InputsFull,
    JobDraft,
    JobInputs,
    Jobs,
    KeyTaken,
    NoJob,
    NoSlot,
    OverQuota,
    QueueFull,
    Repeated,
    Sealer,
)

__all__ = ["PART_BYTES", "Asked", "Inputs", "read_asked", "read_pictures"]

PART_BYTES: Final = (1 << 20) - 256
"""Bytes of a part before it is sealed; sealed it has at most 1 MiB."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The things that are asked for a job, beside its params.

    `pictures` are in the order of its command's params. `action` and `source` are set where a
    message of an earlier job is pressed or reacted to.
    """

    pictures: Sequence[Fetched] = ()
    action: Action | None = None
    source: Source | None = None

    @property
    def size(self) -> int:
        """Bytes of the pictures."""
        return sum(len(picture.data) for picture in self.pictures)


class _Picture(msgspec.Struct, frozen=True):
    content_type: str
    extension: str
    bytes: int
    size: tuple[int, int] | None = None


class _Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """The plan as it is sealed."""

    pictures: tuple[_Picture, ...] = ()
    press: Press | None = None
    reaction: React | None = None
    source: Source | None = None


_encode = msgspec.json.Encoder().encode
_plan = msgspec.json.Decoder(_Plan)


Refusal = NoSlot | Repeated | KeyTaken | OverQuota | QueueFull
"""A reason why there is no job, for the service to say."""


class Inputs:
    """Writes jobs together with what they need.

    Args: most_bytes: of pictures that one user may have waiting
    """

    def __init__(self, store: Jobs, sealer: Sealer, ids: IdSource, most_bytes: int) -> None:
        self._store = store
        self._sealer = sealer
        self._ids = ids
        self._most_bytes = most_bytes

    async def add_job(self, draft: JobDraft, asked: Asked, at: datetime) -> Job | Refusal:
        """Write a job and its inputs.

        Raises: Throttled: the user has too much waiting; what `Jobs.add_job` raises
        """
        inputs = self._sealed(asked)
        draft = replace(draft, inputs=inputs, input_bytes=self._most_bytes)
        if inputs is None or asked.size <= PART_BYTES:
            return self._accepted(await self._store.add_job(draft, at))
        if not await self._store.begin_inputs(draft.user_id, inputs, at, self._most_bytes):
            raise self._full()
        job: Job | NoJob | None = None
        try:
            for number, part in enumerate(_parts(asked)):
                await self._store.add_input_part(
                    inputs.input_id, number, self._seal(inputs.input_id, number, part)
                )
            job = await self._store.add_job(replace(draft, inputs=_staged(inputs)), at)
        finally:
            if not isinstance(job, Job):
                # where the store is down, the sweep does it
                with contextlib.suppress(StoreError):
                    await self._store.drop_inputs(inputs.input_id)
        return self._accepted(job)

    def _sealed(self, asked: Asked) -> JobInputs | None:
        """Return small inputs whole, of large ones the head."""
        if not asked.pictures and asked.action is None:
            return None
        input_id, action = self._ids.token(12), asked.action
        plan = _Plan(
            tuple(
                _Picture(one.content_type, one.extension, len(one.data), one.size)
                for one in asked.pictures
            ),
            action if isinstance(action, Press) else None,
            action if isinstance(action, React) else None,
            asked.source,
        )
        small = asked.size if asked.size <= PART_BYTES else 0
        parts = enumerate(_parts(asked) if small else ())
        return JobInputs(
            input_id,
            self._sealer.seal("job_inputs", input_id, _encode(plan)),
            asked.size,
            tuple(self._seal(input_id, number, part) for number, part in parts),
        )

    def _seal(self, input_id: str, number: int, part: bytes) -> bytes:
        return self._sealer.seal("job_input_parts", f"{input_id}/{number}", part)

    def _accepted(self, job: Job | NoJob) -> Job | Refusal:
        if isinstance(job, InputsFull):
            raise self._full()
        return job

    def _full(self) -> Throttled:
        return Throttled(sentences.INPUTS_FULL.said(limit=f"{self._most_bytes / (1 << 20):g}"))


async def read_asked(store: Jobs, sealer: Sealer, jobid: str) -> tuple[Asked, bool] | None:
    """Return what is asked for a stored job, without its pictures, and whether it has any.

    None when the job has no inputs.

    Raises: VaultError, StoreError
    """
    inputs = await store.inputs_of(jobid)
    if inputs is None:
        return None
    plan = _read_plan(sealer, inputs)
    return Asked((), plan.press or plan.reaction, plan.source), bool(plan.pictures)


async def read_pictures(store: Jobs, sealer: Sealer, jobid: str) -> Sequence[Fetched]:
    """Return a stored job's pictures; none when its inputs are gone.

    Raises: VaultError, StoreError
    """
    inputs = await store.inputs_of(jobid)
    if inputs is None:
        return ()
    plan = _read_plan(sealer, inputs)
    whole = bytearray()
    while len(whole) < inputs.size:
        number = len(whole) // PART_BYTES
        sealed = await store.input_part(inputs.input_id, number)
        if not sealed:
            # the job was asked or has ended meanwhile
            return ()
        whole += sealer.unseal("job_input_parts", f"{inputs.input_id}/{number}", sealed)
    pictures, begin = [], 0
    for one in plan.pictures:
        data = bytes(whole[begin : begin + one.bytes])
        pictures.append(Fetched(data, one.content_type, one.extension, one.size))
        begin += one.bytes
    return pictures


def _read_plan(sealer: Sealer, inputs: JobInputs) -> _Plan:
    return _plan.decode(sealer.unseal("job_inputs", inputs.input_id, inputs.plan))


def _parts(asked: Asked) -> Iterator[bytes]:
    """Cut the bytes of all pictures, one after the other, into parts."""
    part = bytearray()
    for picture in asked.pictures:
        left = memoryview(picture.data)
        while left:
            taken = left[: PART_BYTES - len(part)]
            part += taken
            left = left[len(taken) :]
            if len(part) == PART_BYTES:
                yield bytes(part)
                part.clear()
    if part:
        yield bytes(part)


def _staged(inputs: JobInputs) -> JobInputs:
    return replace(inputs, staged=True)
