"""Branches of the pure core that a module's own test does not take: `make branches`.

One run of those tests with a context for each; of each module then counts what its own test did,
and what importing does.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from coverage import Coverage

from tests.architecture.tree import PACKAGE, ROOT
from tests.pure.modules import own_test, pure_modules

NOT_YET = frozenset(
    {
        "midjourney/conversation.py",
        "midjourney/gaps.py",
        "midjourney/heard.py",
        "midjourney/judging.py",
        "midjourney/matching/asks_by_hand.py",
        "midjourney/matching/candidates.py",
        "midjourney/matching/held.py",
        "midjourney/matching/index.py",
        "midjourney/matching/others.py",
        "midjourney/matching/strangers.py",
        "midjourney/matching/unread.py",
        "midjourney/memory.py",
        "midjourney/receiving.py",
        "midjourney/state.py",
        "midjourney/weighing.py",
    }
)
"""Modules of which branches are left. Take one off when its test takes them all; add none."""

_RUN = """\
[run]
branch = true
dynamic_context = test_function
source = waystation
data_file = {data}

[report]
exclude_also =
    if TYPE_CHECKING:
    if sys.version_info
    assert_never
    raise NotImplementedError
    ^\\s*\\.\\.\\.$
    @overload
"""


def missed(path: str, rcfile: Path, place: Path) -> list[str]:
    """Return the lines and branches of a module that its own test leaves out."""
    test = own_test(path)
    assert test is not None
    name = re.escape(test.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
    found = Coverage(config_file=str(rcfile))
    found.load()
    report = place / "report.json"
    contexts = [rf"^{name}\.", "^$"]
    found.json_report(
        morfs=[str(PACKAGE / path)], outfile=str(report), contexts=contexts, ignore_errors=True
    )
    (one,) = json.loads(report.read_text())["files"].values()
    lines = {str(line) for line in one["missing_lines"]}
    branches = {f"{a}->{b}" for a, b in one["missing_branches"] if str(a) not in lines}
    return sorted(lines | branches, key=lambda place: int(place.split("-")[0]))


def all_missed(paths: Sequence[str]) -> Mapping[str, list[str]]:
    """Run the tests of modules and return what is left out, by module. Raises: SystemExit"""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rcfile = place / "coverage.ini"
        rcfile.write_text(_RUN.format(data=place / "data"))
        tests = sorted({str(own_test(path)) for path in paths})
        run = [sys.executable, "-m", "coverage", "run", f"--rcfile={rcfile}", "-m", "pytest", "-q"]
        plain = [word for name in ("xdist", "schemathesis") for word in ("-p", f"no:{name}")]
        done = subprocess.run([*run, *plain, *tests], cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.returncode)
        return {path: left for path in paths if (left := missed(path, rcfile, place))}


def main() -> int:
    """Print what is left out; 1 unless `NOT_YET` names the modules that leave something out.

    Of the whole pure core, or of the modules that are named.
    """
    paths = sys.argv[1:] or pure_modules()
    left = all_missed(paths)
    for path, places in left.items():
        print(f"{path}: {' '.join(places)}{' (not yet)' if path in NOT_YET else ''}")
    whole = NOT_YET.intersection(paths) - left.keys()
    for path in sorted(whole):
        print(f"{path}: whole; take it off NOT_YET")
    print(f"{len(paths) - len(left)} of {len(paths)} modules whole")
    return int(bool(whole) or not left.keys() <= NOT_YET)


if __name__ == "__main__":
    sys.exit(main())
