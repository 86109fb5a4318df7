"""Switches: the faults that are on, for whom, and for how many more times."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from waystation.simulator.faults.fault import Fault, FaultError, Place, read_params
from waystation.simulator.faults.faults import FAULTS
from waystation.simulator.faults.hazards import HAZARDS
from waystation.simulator.payload import Payload

__all__ = ["LISTED", "SWITCHABLE", "Switch", "Switchboard", "parse_switch"]

SWITCHABLE: Mapping[str, Fault] = {**FAULTS, **HAZARDS}
"""Everything that can be switched on, by its name."""

LISTED = "GET /_sim/faults and src/waystation/simulator/README.md"
"""Where a person finds all of them."""


@dataclass(slots=True)
class Switch:
    """One fault that was switched on."""

    id: int
    fault: Fault
    params: Payload
    account: str | None = None
    """A user id; None for every account."""
    command: str | None = None
    """A verb; None for every command."""
    count: int | None = None
    """How many more times it happens; None until it is switched off."""
    fired: int = 0

    def payload(self) -> Payload:
        """Write the switch for the control API."""
        return {
            "id": self.id,
            "name": self.fault.name,
            "params": self.params,
            "account": self.account,
            "command": self.command,
            "count": self.count,
            "fired": self.fired,
        }

    def fits(self, account: str | None, command: str | None) -> bool:
        """Tell whether it concerns this account and command."""
        if self.count == 0:
            return False
        return self.account in (None, account) and self.command in (None, command)

    def fire(self) -> None:
        """Count one use."""
        self.fired += 1
        if self.count is not None:
            self.count -= 1


class Switchboard:
    """All switches, in the order they were switched on."""

    def __init__(self) -> None:
        self._switches: list[Switch] = []
        self._next = 1

    def on(
        self,
        name: str,
        account: str | None = None,
        command: str | None = None,
        count: int | None = None,
        params: Mapping[str, object] | None = None,
    ) -> Switch:
        """Switch a fault on.

        Raises: FaultError: no such fault, or no such parameter
        """
        fault = _named(name)
        switch = Switch(self._next, fault, fault.with_params(params or {}), account, command, count)
        self._next += 1
        self._switches.append(switch)
        return switch

    def off(self, id_: int | None = None) -> None:
        """Switch one fault off, or all."""
        self._switches = [s for s in self._switches if id_ is not None and s.id != id_]

    def active(self) -> list[Switch]:
        """Return the switches that may still fire."""
        return [switch for switch in self._switches if switch.count != 0]

    def take(
        self,
        place: Place,
        account: str | None,
        command: str | None = None,
        only: Callable[[Switch], bool] = lambda switch: True,
    ) -> list[Switch]:
        """Return what happens at a place, and count it as used."""
        if not self._switches:
            return []
        fitting = [
            switch
            for switch in self._switches
            if switch.fault.place is place and switch.fits(account, command) and only(switch)
        ]
        for switch in fitting:
            switch.fire()
        return fitting

    def take_http(self, route: str, account: str | None, command: str | None) -> Switch | None:
        """Return the one fault that answers a request in place of its route."""
        for switch in self._switches:
            if switch.fault.place is not Place.HTTP or switch.params["route"] != route:
                continue
            if switch.fits(account, command):
                switch.fire()
                return switch
        return None


def _named(name: str) -> Fault:
    if name in SWITCHABLE:
        return SWITCHABLE[name]
    near = difflib.get_close_matches(name, SWITCHABLE)
    hint = f"; near are {', '.join(near)}" if near else ""
    raise FaultError(f"no fault is named {name!r}{hint}; {LISTED} list all")


def parse_switch(text: str) -> Payload:
    """Read `NAME[:value][,key=value…]` of the command line into arguments of `Simulator.fault`.

    A bare value goes to the fault's first parameter; `account`, `command` and `count` are the
    switch's own.

    Raises: FaultError: no such fault or parameter, or a value of the wrong kind
    """
    name, _, rest = text.partition(":")
    fault = _named(name)
    given: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if equals:
            given[key] = value
        elif fault.params:
            given[next(iter(fault.params))] = key
        else:
            raise FaultError(f"{name} takes no value")
    own = {key: given.pop(key) for key in ("account", "command", "count") if key in given}
    count = int(own["count"]) if "count" in own else None
    named: Payload = {"name": name, "account": own.get("account"), "command": own.get("command")}
    return named | {"count": count, "params": read_params(fault, given)}
