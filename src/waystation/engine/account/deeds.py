"""Deeds: what callers have done for an account, by its owner, whichever node has it (ADR 28).

How it works: where the account's owner is here, it does the deed. Else a command asks the node that
has the account, and that node does the same from `served`. A job that was never asked is cancelled
by any node: its row alone decides, and its owner is told.

Rules: a deed done twice does what it does once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import structlog

from waystation import sentences
from waystation.engine.account.adapters import Adapters
from waystation.engine.account.owner import Owner
from waystation.engine.account.pool import Pool
from waystation.engine.ending import end_waiting
from waystation.engine.nodes.elsewhere import Elsewhere
from waystation.engine.nodes.serving import Deed
from waystation.errors import LeaseLost, StoreError, Throttled, Unavailable
from waystation.jobs import Cancelled, CancelRequested, Failed, Job, JobEvent, JobId, JobStatus

__all__ = ["Deeds"]

log = structlog.get_logger("waystation.deeds")


class Deeds:
    """Deeds on accounts. Args: elsewhere: None where this process has all accounts"""

    def __init__(self, adapters: Adapters, pool: Pool, elsewhere: Elsewhere | None = None) -> None:
        self._adapters = adapters
        self._store = adapters.store
        self._pool = pool
        self._elsewhere = elsewhere

    @property
    def served(self) -> Mapping[str, Deed]:
        """Deeds that this node does for others, by the kind of command."""
        return {
            "cancel": self._cancel_here,
            "end_unasked": self._end_unasked_here,
            "links": self._links_here,
            "reset": self._reset_here,
            "put": self._put_here,
            "remove": self._remove_here,
        }

    @property
    def unheard_since(self) -> datetime | None:
        """Since when no news of other nodes can be heard; None while it can, or need not."""
        return None if self._elsewhere is None else self._elsewhere.unheard_since

    # ── jobs ──

    async def cancel(self, job: Job) -> None:
        """Cancel a job that an account has; nothing happens when it is final already (R26).

        Raises: Unavailable: the account's node cannot do it now; Throttled: too many ask such nodes
        """
        if not self._is_elsewhere(job.account_id):
            await self._cancel_here(job.account_id, job.jobid)
        elif job.status is JobStatus.CREATED:
            await self._end(job, CancelRequested(), Cancelled(ghost=False))
        else:
            try:
                await self._ask(job.account_id, "cancel", job.jobid)
            except Unavailable as error:
                if error.message != sentences.NO_PROCESS_NOW.text:
                    raise
                raise Unavailable(sentences.NOT_CONNECTED_NOW.text) from error

    async def end_unasked(self, job: Job) -> None:
        """End a job that was not asked in its POST's time, with what it waited for (R10).

        Nothing happens when it was asked, or is final already. Raises: StoreError
        """
        if not self._is_elsewhere(job.account_id):
            if self._pool.get(job.account_id) is not None:
                await self._end_unasked_here(job.account_id, job.jobid)
            return
        try:
            await self._ask(job.account_id, "end_unasked", job.jobid)
        except (Throttled, Unavailable):
            found = await self._store.get_job(job.jobid, None)
            if found is not None and found.status is JobStatus.CREATED and not found.waiting:
                await self._end(found, _not_sent())

    # ── links ──

    def has_owner(self, account_id: str) -> bool:
        """Tell whether a node may act for an account, as far as is known here."""
        return self._elsewhere is not None or self._pool.get(account_id) is not None

    async def refresh_links(self, account_id: str, links: Sequence[str]) -> Mapping[str, str]:
        """Return working links by those that have ended.

        Raises: Unavailable, Throttled, StoreError, TransportError
        """
        if self._is_elsewhere(account_id):
            return cast(Mapping[str, str], await self._ask(account_id, "links", list(links)))
        return await self._links_here(account_id, links)

    # ── accounts ──

    async def reset(self, account_id: str) -> None:
        """Put a halted or sidelined account back to work.

        Raises: Unavailable, StoreError; Throttled: too many ask nodes
        """
        if self._is_elsewhere(account_id):
            await self._ask(account_id, "reset")
        else:
            await self._reset_here(account_id, None)

    async def put(self, account_id: str, *, is_new: bool = False) -> None:
        """Let an account's owner take over its changed row; a new account gets an owner.

        The row decides: a node that could not be told reads it at its next look.
        """
        if self._is_elsewhere(account_id) and not is_new:
            try:
                await self._ask(account_id, "put")
            except (Throttled, Unavailable) as error:
                log.warning("deeds.not_told", account=account_id, reason=error.message)
        else:
            await self._pool.put(account_id)

    async def remove(self, account_id: str, *, force: bool) -> None:
        """Let the jobs of an account end whose row is marked as removed; then it is erased (R33).

        The row decides: a node that could not be told reads it at its next look.

        Args: force: fail the jobs now
        Raises: Unavailable, Throttled: only with force, which is in no row
        """
        if self._is_elsewhere(account_id):
            try:
                await self._ask(account_id, "remove", force)
            except (Throttled, Unavailable) as error:
                if force:
                    raise
                log.warning("deeds.not_told", account=account_id, reason=error.message)
        else:
            await self._pool.remove(account_id, force=force)

    # ── by the account's node ──

    async def _cancel_here(self, account_id: str, body: Any) -> None:
        owner, jobid = self._owner(account_id), JobId(str(body))
        try:
            if owner.current(jobid) is None:
                # another node has accepted it a moment ago
                job = await self._store.get_job(jobid, None)
                if job is not None and not job.final and job.account_id == account_id:
                    await owner.take(job)
            await owner.cancel(jobid)
        except LeaseLost as error:
            # between two holds
            raise Unavailable(sentences.NOT_CONNECTED_NOW.text) from error
        except StoreError as error:
            raise Unavailable from error

    async def _end_unasked_here(self, account_id: str, body: Any) -> None:
        await self._owner(account_id).end_unasked(JobId(str(body)), _not_sent())

    async def _links_here(self, account_id: str, body: Any) -> dict[str, str]:
        return dict(await self._owner(account_id).transport.refresh_links(body))

    async def _reset_here(self, account_id: str, body: Any) -> None:
        owner = self._pool.get(account_id)
        seen = None if owner is None else owner.newest_seen
        await self._store.reset_account(account_id, self._adapters.clock.now(), seen)
        await self._pool.put(account_id)

    async def _put_here(self, account_id: str, body: Any) -> None:
        await self._pool.put(account_id)

    async def _remove_here(self, account_id: str, body: Any) -> None:
        await self._pool.remove(account_id, force=bool(body))

    # ── inside ──

    def _is_elsewhere(self, account_id: str) -> bool:
        return self._elsewhere is not None and self._pool.get(account_id) is None

    def _owner(self, account_id: str) -> Owner:
        owner = self._pool.get(account_id)
        if owner is None:
            raise Unavailable(sentences.NOT_CONNECTED_NOW.text)
        return owner

    async def _ask(self, account_id: str, kind: str, body: Any = None) -> Any:
        assert self._elsewhere is not None, "it is elsewhere"
        return await self._elsewhere.ask(account_id, kind, body)

    async def _end(self, job: Job, *events: JobEvent) -> None:
        """End a job that no node has asked; nothing happens when it has changed meanwhile."""
        adapters = self._adapters
        now = adapters.clock.now()
        ended = await end_waiting(self._store.queue, adapters.ids, job, now, *events)
        if ended is not None:
            adapters.feed.publish(ended)
            adapters.nudge_outbox()


def _not_sent() -> Failed:
    return Failed.by(sentences.NOT_SENT, sentences.NOTHING_SENT)
