"""Group: typer's group of commands, with our answers to wrong usage and our look of flags."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption
from typer.exceptions import TyperException

from waystation.cli.exits import Exit
from waystation.cli.hints import with_hint
from waystation.errors import InvalidRequest

__all__ = ["CommandGroup"]

_JSON = "--json"


class CommandGroup(TyperGroup):
    """A group whose `--json` answers wrong usage in JSON too, and whose flags show no type."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run a command as typer does; with `--json`, stdout holds one object even then."""
        given = sys.argv[1:] if args is None else list(args)
        if _JSON not in given:
            return super().main(given, *rest, **options)
        try:
            code = super().main(given, *rest, **(options | {"standalone_mode": False}))
        except TyperException as error:
            text = error.format_message()
            sys.stdout.write(json.dumps({"error": text, "code": InvalidRequest.status_hint}) + "\n")
            code = error.exit_code
        except typer.Abort:
            sys.stdout.write(json.dumps({"error": "stopped"}) + "\n")
            code = Exit.INTERRUPTED
        sys.exit(code if isinstance(code, int) else Exit.OK)

    def invoke(self, ctx: Any) -> Any:
        """Run a command as typer does; a wrong usage is told without tokens and with a hint."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            where = getattr(error, "ctx", None)
            if ctx.parent is not None or where is None:
                raise
            names = where.command_path.removeprefix(ctx.command_path).strip()
            sentence = error.format_message()
            told = with_hint(names, sentence)
            if told == sentence:
                raise
            where.fail(told)

    def get_params(self, ctx: Any) -> Any:
        """Return the group's own options."""
        return _without_types(super().get_params(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _without_types(command.get_params(ctx))
        return name, command, rest


def _without_types(params: Iterable[Any]) -> list[Any]:
    # typer would put <bool> beside each flag.
    found = list(params)
    for param in found:
        if isinstance(param, TyperOption) and param.is_flag:
            param.metavar = ""
    return found
