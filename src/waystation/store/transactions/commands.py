"""StoreCommands: what is asked of the nodes that have accounts (ADR 28).

How it works: a command waits until its end. The node that has the account takes it, or whoever
asked withdraws it: each changes the row only where it still waits, so that one of them succeeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from waystation.errors import NotFound
from waystation.ports import Clock, Command, CommandStatus
from waystation.store.columns import Row, Values, micros
from waystation.store.transactions.database import Database, Reading, Writing
from waystation.store.transactions.nodes import span_of

__all__ = ["StoreCommands"]


class StoreCommands:
    """`ports.Commands` on the doors of a database."""

    def __init__(self, writer: Writing, near: Reading, clock: Clock) -> None:
        self._writer = writer
        self._near = near
        self._clock = clock

    async def add(
        self, command: Command, life: timedelta, most: int, work: timedelta = timedelta()
    ) -> bool:
        values: Values = {
            "command_id": command.command_id,
            "account_id": command.account_id,
            "kind": command.kind,
            "body": command.body,
            "life": span_of(life),
            "work": span_of(work),
            "clock": self._at,
        }
        return await self._writer.run(lambda database: _add(database, values, most))

    async def drop(self, command_id: str) -> None:
        await self._run("drop_command", {"command_id": command_id})

    async def take(self, node_id: str, limit: int = 16) -> Sequence[Command]:
        values: Values = {"node_id": node_id, "limit": limit, "clock": self._at}
        rows: list[Row] = await self._writer.run(
            lambda database: database.all("take_commands", values)
        )
        return [Command(*row[:4]) for row in sorted(rows, key=lambda row: (row[4], row[0]))]

    async def answer(self, command_id: str, node_id: str, answer: str) -> bool:
        values: Values = {"command_id": command_id, "node_id": node_id, "answer": answer}
        return bool(await self._run("answer_command", values))

    async def withdraw(self, command_id: str) -> bool:
        return bool(await self._run("withdraw_command", {"command_id": command_id}))

    async def look(self, command_id: str) -> tuple[CommandStatus, str | None] | None:
        named: Values = {"command_id": command_id}
        row = await self._near.run(lambda reads: reads.one("command", named))
        return None if row is None else (CommandStatus(row[0]), row[1])

    async def waiting(self) -> int:
        values: Values = {"clock": self._at}
        row = await self._near.run(lambda reads: reads.one("commands_waiting", values))
        assert row is not None
        return int(row[0])

    async def purge(self, age: timedelta) -> None:
        values: Values = {"age": span_of(age), "clock": self._at}
        await self._run("purge_commands", values)
        await self._run("purge_nodes", values)

    @property
    def _at(self) -> int:
        return micros(self._clock.now())

    async def _run(self, name: str, values: Values) -> int:
        return await self._writer.run(lambda database: database.run(name, values))


def _add(database: Database, values: Values, most: int) -> bool:
    named: Values = {name: values[name] for name in ("account_id", "work", "clock")}
    found = database.one("commands_of_owner", named)
    if found is None:
        raise NotFound("There is no such account.")
    database.lock(users=[found[0]])
    # as it is behind the lock
    found = database.one("commands_of_owner", named)
    if found is None:
        raise NotFound("There is no such account.")
    if found[1] >= most:
        return False
    database.run("add_command", values)
    return True
