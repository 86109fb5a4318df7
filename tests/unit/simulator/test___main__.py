from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from waystation.simulator.__main__ import main

COMMAND = [sys.executable, "-m", "waystation.simulator"]


@contextmanager
def _running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_when_ready_and_ends_quickly(number: signal.Signals) -> None:
    with _running("--accounts", "2", "--fault", "queue_full:count=1", "--speed", "1000") as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert set(line) == {"url", "accounts", "bots"}
        assert len(line["accounts"]) == 2
        with urllib.request.urlopen(line["url"] + "/_sim/state", timeout=5) as answer:
            state = json.load(answer)
        assert [fault["name"] for fault in state["faults"]] == ["queue_full"]
        began = time.monotonic()
        process.send_signal(number)
        assert process.communicate(timeout=5)[0] == ""
        assert process.returncode == 0
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "nonsense"], "no fault is named 'nonsense'; GET /_sim/faults and"),
        (["--fault", "queue_ful"], "no fault is named 'queue_ful'; near are queue_full"),
        (["--speed", "0"], "speed must lie in 1..1000"),
        (["--accounts", "0"], "at least one account"),
        (["--fault", "queue_full:account=9"], "no account '9'"),
    ],
)
def test_wrong_arguments_are_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_help_names_the_places_where_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "GET /_sim/faults" in said
    assert "src/waystation/simulator/README.md" in said
