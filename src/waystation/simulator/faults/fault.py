"""Fault: one named misbehaviour, where it applies, and which parameters it has.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from waystation.simulator.bot.job import Caption
from waystation.simulator.bot.timeline import Timeline
from waystation.simulator.discord.refusals import Effect
from waystation.simulator.payload import Payload

__all__ = ["Fault", "FaultError", "Place", "read_params", "scripted"]


class FaultError(ValueError):
    """A fault was named or parametrised wrongly."""


class Place(Enum):
    """Where a fault applies."""

    HTTP = "a request"
    SCRIPT = "an interaction that the bot executes"
    VERSION = "the version of a command"
    IDENTIFY = "an IDENTIFY frame"
    RESUME = "a RESUME frame"
    HEARTBEAT = "a heartbeat"
    READY = "the READY event"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row."""

    name: str
    about: str
    params: Payload = field(default_factory=dict)
    """Names and defaults; a default's type is the parameter's type."""
    place: Place = Place.SCRIPT
    http: Callable[[Payload], Effect] | None = None
    script: Callable[[Payload, Timeline], Timeline] | None = None
    prompt: Callable[[Payload, str], str] | None = None
    """How the bot repeats a prompt."""
    caption: Callable[[Payload, Caption], Caption] | None = None
    """With which words around a prompt."""
    keeps_closed: bool = False
    """A press that would open a form starts at once."""

    def with_params(self, given: Mapping[str, object]) -> Payload:
        """Return all parameters, the given ones in place of the defaults.

        Raises: FaultError: no such parameter
        """
        unknown = sorted(set(given) - set(self.params))
        if unknown:
            known = ", ".join(self.params) or "none"
            raise FaultError(f"{self.name} has no parameter {unknown[0]!r} (it has: {known})")
        for key, value in given.items():
            if not _fits(value, self.params[key]):
                kind = type(self.params[key]).__name__
                raise FaultError(f"{self.name}: {key} must be of type {kind}, not {value!r:.60}")
        return {**self.params, **given}


def _fits(value: object, default: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    return not isinstance(default, str) or isinstance(value, str)


def read_params(fault: Fault, given: Mapping[str, str]) -> Payload:
    """Turn texts of the command line into values of the parameters' types.

    Raises: FaultError: no such parameter, or not a number where one is needed
    """
    fault.with_params({key: fault.params.get(key) for key in given})
    return {key: _read(key, fault.params[key], text) for key, text in given.items()}


def _read(name: str, default: object, text: str) -> object:
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes", "on")
    if not isinstance(default, int | float):
        return text
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise FaultError(f"{name} needs a number, not {text!r}") from None


def scripted(
    name: str, about: str, script: Callable[[Payload, Timeline], Timeline], **params: object
) -> Fault:
    """Return a fault that bends the timeline of a job."""
    return Fault(name, about, params, Place.SCRIPT, script=script)
