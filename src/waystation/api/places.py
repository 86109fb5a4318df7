"""Places: how many requests of one kind a user may hold at once (R48)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from waystation.errors import Throttled
from waystation.quotas import Quota
from waystation.sentences import Sentence
from waystation.shares import Held

__all__ = ["Places"]


class Places:
    """The places of each user for one kind of request.

    Args: policy: its name in the RateLimit headers; full: the error of a user who has none left,
    with `limit` to fill in
    """

    def __init__(self, policy: str, limit: int, full: Sentence, retry_after_s: int) -> None:
        self._policy = policy
        self._limit = limit
        self._full = full
        self._retry_after_s = retry_after_s
        self._held: Held[int] = Held()

    def take(self, user_id: int) -> None:
        """Hold one of a user's places until `give_back`. Raises: Throttled: there is none left."""
        if self._held[user_id] >= self._limit:
            raise Throttled(
                self._full.said(limit=self._limit),
                retry_after_s=self._retry_after_s,
                quota=Quota(self._policy, self._limit, 0),
            )
        self._held[user_id] += 1

    def give_back(self, user_id: int) -> None:
        """Free a place that the user holds."""
        self._held.give_back(user_id)

    @contextmanager
    def place(self, user_id: int) -> Iterator[None]:
        """Hold one of a user's places meanwhile. Raises: Throttled: there is none left."""
        self.take(user_id)
        try:
            yield
        finally:
            self.give_back(user_id)
