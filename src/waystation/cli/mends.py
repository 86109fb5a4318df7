"""MENDS: what to do about an error on the command line, where the API's own words leave it open.

The API's strings are v2's, or say what is true for every caller; which command helps is known here.
Rules: a command to copy has a line of its own, so that a terminal breaks it nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from waystation.errors import Busy, ButtonRepeated, WaystationError

__all__ = ["MENDS", "mends"]

MENDS: Mapping[str, tuple[str, str]] = {
    "Configuration not found": ("there is no Discord account yet:", "waystation accounts add"),
    "Configuration not found for provided channel": (
        "the accounts and their channels:",
        "waystation accounts list",
    ),
    "Button not supported or not found in jobid buttons array": (
        "what can be pressed:",
        "waystation jobs show JOBID",
    ),
    "A user with this e-mail exists.": (
        "a new token in place of a lost one:",
        "waystation users rotate EMAIL",
    ),
}
"""An error's message → what helps, and the command."""


def mends(error: WaystationError) -> Iterator[tuple[str, str]]:
    """Yield what helps, and the command to copy, which may be empty."""
    if isinstance(error, Busy):
        for jobid in error.executing_jobs or ():
            yield f"running: {jobid}", ""
        yield f"try again in {error.retry_after_s} s", ""
    if isinstance(error, ButtonRepeated):
        yield "its result:", f"waystation jobs show {error.jobid}"
    if error.message in MENDS:
        yield MENDS[error.message]
