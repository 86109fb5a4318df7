"""SessionAtRest: how far an account's gateway session is applied, and what the store has of it.

Rules: it never stands past an event whose effects are not committed (I5), so that the next process
resumes at what is missing. Sealed, because whoever has it can take the connection over. It belongs
to one token: a new one connects with IDENTIFY (R33).
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from waystation.gateway_events import SessionState
from waystation.ports import Clock, Commit, Jobs, Sealer
from waystation.wire.snowflake import newest

__all__ = ["SessionAtRest"]


class SessionAtRest:
    """One account's gateway session."""

    def __init__(
        self, sealer: Sealer, account_id: str, sealed: bytes | None, token_mark: str = ""
    ) -> None:
        """Open what the store has.

        Args: token_mark: tells one token from another; empty: whichever
        Raises: VaultError
        """
        self._sealer = sealer
        self._account_id = account_id
        self._token_mark = token_mark
        self.now = None if sealed is None else self._open(sealed)
        """Up to where everything is applied; None while a gap is being read back."""
        self._saved = self.now

    def at(self, sequence: int | None, seen: str) -> SessionState | None:
        """Return the session as it is once an event is applied.

        Args: seen: the newest Discord id that was seen with it
        """
        if self.now is None or sequence is None:
            return self.now
        latest = max(sequence, self.now.sequence)
        return replace(self.now, sequence=latest, newest=newest(self.now.newest, seen))

    def applied(self, sequence: int | None, seen: str) -> None:
        """Remember the last gateway event whose effects are committed (I5)."""
        self.now = self.at(sequence, seen)

    def seal(self, session: SessionState | None) -> bytes | None:
        """Return a session as the store keeps it, None where that is there already."""
        if session is None or session == self._saved:
            return None
        marked = {**msgspec.to_builtins(session), _MARK: self._token_mark}
        return self._sealer.seal("gateway_sessions", self._account_id, msgspec.json.encode(marked))

    def saved(self, session: SessionState | None) -> None:
        """Remember what a commit has left in the store."""
        self._saved = session or self._saved

    async def save(self, store: Jobs, clock: Clock, epoch: int) -> None:
        """Save it if it has advanced. Raises: StoreError, LeaseLost."""
        session = self.now
        if (sealed := self.seal(session)) is None:
            return
        await store.commit(
            Commit(account_id=self._account_id, epoch=epoch, at=clock.now(), session=sealed)
        )
        self.saved(session)

    def _open(self, sealed: bytes) -> SessionState | None:
        opened = msgspec.json.decode(
            self._sealer.unseal("gateway_sessions", self._account_id, sealed)
        )
        if opened.pop(_MARK, "") not in ("", self._token_mark) and self._token_mark:
            return None
        return msgspec.convert(opened, SessionState)


_MARK = "token"
"""A field that an older version left out."""
