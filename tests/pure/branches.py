"""Branches of the pure core that a module's own test does not take: `make branches`.

One run of those tests with a context for each, after one that imports the modules alone; of each
module then counts what its own test did while it ran, and what importing does.
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

_IMPORT = "import"
"""The context of importing, apart from what the tests do while they are collected."""

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
    contexts = [rf"^{name}\.", f"^{_IMPORT}$"]
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
        run = [sys.executable, "-m", "coverage", "run", f"--rcfile={rcfile}"]
        imports = place / "imports.py"
        names = (f"waystation.{path.removesuffix('.py').replace('/', '.')}" for path in paths)
        imports.write_text("".join(f"import {name}\n" for name in names))
        subprocess.run([*run, f"--context={_IMPORT}", str(imports)], cwd=ROOT, check=True)
        tests = sorted({str(own_test(path)) for path in paths})
        plain = [word for name in ("xdist", "schemathesis") for word in ("-p", f"no:{name}")]
        pytest = [*run, "--append", "-m", "pytest", "-q", *plain]
        done = subprocess.run([*pytest, *tests], cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.returncode)
        return {path: left for path in paths if (left := missed(path, rcfile, place))}


def main() -> int:
    """Print what is left out, of the whole pure core or of the modules that are named; 1 if any."""
    paths = sys.argv[1:] or pure_modules()
    left = all_missed(paths)
    for path, places in left.items():
        print(f"{path}: {' '.join(places)}")
    print(f"{len(paths) - len(left)} of {len(paths)} modules whole")
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
