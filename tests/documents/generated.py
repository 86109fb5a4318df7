"""Pages that are drawn from tables: `python -m tests.documents.generated` writes them anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from typer.core import TyperGroup as Group
from typer.main import get_command

from tests.documents.api_page import api_page
from tests.documents.charts import job_page, session_page
from tests.documents.conformance_page import conformance_page
from tests.documents.differences import DIFFERENCES, VALUES, younger_labels
from tests.documents.limits_page import limits_page
from tests.documents.waits import waits
from waystation.cli.exits import EXITS
from waystation.cli.program import app
from waystation.settings import SETTINGS, Setting, Settings

__all__ = ["PAGES", "ROOT", "command_names"]

ROOT = Path(__file__).parents[2]

CLI = get_command(app)
_GROUP = cast(Group, CLI)

_SETTINGS_HEAD = """\
# Settings

A value comes from a command-line flag, else from the environment variable, else from the TOML file
(`waystation.toml` in the working directory, or the file that `WAYSTATION_CONFIG` or `--config`
names), else it is the default. In the file a setting has its variable's name without the prefix, in
small letters: `pacing_s = 2.5`. An unknown key of the file is an error, an unknown `WAYSTATION_`
variable a warning. A list is separated by commas in a variable and is a TOML list in the file.
`waystation doctor` shows every value and where it came from.

| variable | default | unit | what it is |
|---|---|---|---|
"""


def settings_page() -> str:
    """Return docs/settings.md."""
    defaults = Settings()
    return _SETTINGS_HEAD + "".join(_row(setting, defaults) for setting in SETTINGS)


def _row(setting: Setting, defaults: Settings) -> str:
    value = "" if setting.secret else defaults.shown(setting.name)
    default = f"`{value}`" if value else ""
    return f"| `{setting.variable}` | {default} | {setting.unit or ''} | {setting.help} |\n"


_CLI_HEAD = """\
# Command line

`waystation COMMAND --help` says what each command takes. `--json` on any command prints one line of
JSON and nothing else to standard output; progress goes to standard error. A command that waits says
for what and how long at most; one that fails names the command to run next where one helps.

Commands that draw wait for the result (`--wait`, unless `--no-wait`). On a terminal a bar shows how
far it is, and below it the picture so far, where there are at least 256 colours. Without a
terminal, with `NO_COLOR`, or on a dumb one, each change is a line.

`--save DIR` writes the pictures of a completed job into a directory, under the names that the bot
gave them, and prints the paths (`saved` in JSON). A file that is there already stays: the same
picture is not written again, another one gets a number behind its name. `--singles` adds the links
of `imageUx` and `videoUx`. Where the bytes are a picture of another kind than the name says, the
name ends as that kind does. A picture that cannot be had is told (`unsaved` in JSON) and has an
exit code of its own; the job stays completed, and `waystation jobs show JOBID --save DIR` tries
again.

```sh
waystation imagine "a red fox in the snow --ar 3:2" --save pictures
waystation button JOBID U2 --save pictures
waystation button JOBID "Vary (Region)" --mask mask.png --prompt "a hat"
waystation blend one.png two.png --blend-dimensions Landscape
```

| command | what it does |
|---|---|
"""

_EXITS_HEAD = """
## Exit codes

A number of three digits is the status of a refused request. A job that was accepted and fails has 1
whatever its `code` says, except that 422, 429 and 596 count as in the table. `jobs cancel` is done
(0) only when the job is cancelled; one that had ended otherwise before has 1.

| code | meaning |
|---|---|
"""


def cli_page() -> str:
    """Return docs/cli.md."""
    commands = "".join(
        f"| `{' '.join(('waystation', *path))}` | {text} |\n"
        for path, text in _commands((), _GROUP)
    )
    exits = "".join(f"| {code:d} | {meaning} |\n" for code, meaning in EXITS.items())
    return f"{_CLI_HEAD}{commands}{waits()}{_EXITS_HEAD}{exits}"


def command_names() -> Sequence[str]:
    """Return every command as it is typed, without the program's name."""
    return [" ".join(path) for path, _ in _commands((), _GROUP)]


def _commands(path: tuple[str, ...], group: Group) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, command in group.commands.items():
        if isinstance(command, Group):
            yield from _commands((*path, name), command)
        else:
            yield (*path, name), (command.help or "").strip().splitlines()[0]


_DIFFERENCES_HEAD = """\
# Differences from the vendor's OpenAPI file

The vendor's OpenAPI file dates from 2024. The vendor's web pages of 2025 say more, and count where
both differ. Waystation may not ship the file. With a copy of it you can compare:

```sh
export VENDOR_OPENAPI=path/to/the/file.yml
.venv/bin/python -m pytest tests/documents/test_differences.py
```

The test fails for a difference without a row, and for a row without a difference. `*` stands for
any text; `answer field` is a field of any answer of a path.

| difference | why |
|---|---|
"""


_VALUES_HEAD = """
## Values in answers

Two clients read the answers of Waystation: the vendor's Python client of 2023, and a client that is
generated from the file. `tests/clients/test_vendor.py` runs both. They meet these differences:

| difference | why |
|---|---|
"""

_LABELS_HEAD = """
## Labels that a strict client refuses

The file of 2024 lists the labels of its time as an enum. A client that is generated from it reads
each POST, and each GET of a job with buttons of that time. It refuses a job that shows one of the
labels below, and would refuse a label of the future. The client of 2023 also refuses `Custom Zoom`,
and `Upscale` and `Redo Upscale` with `(Subtle)` or `(Creative)`.

"""


def differences_page() -> str:
    """Return docs/differences.md."""
    rows = (f"| `{pattern}` | {reason} |\n" for pattern, reason in DIFFERENCES.items())
    values = (f"| {what} | {reason} |\n" for what, reason in VALUES.items())
    labels = " ".join(f"`{label}`" for label in younger_labels())
    return "".join((_DIFFERENCES_HEAD, *rows, _VALUES_HEAD, *values, _LABELS_HEAD, labels, "\n"))


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/settings.md": settings_page,
    "docs/api.md": api_page,
    "docs/conformance.md": conformance_page,
    "docs/limits.md": limits_page,
    "docs/differences.md": differences_page,
    "docs/cli.md": cli_page,
    "docs/state/job.md": job_page,
    "docs/state/session.md": session_page,
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
