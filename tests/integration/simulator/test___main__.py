from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from waystation.simulator.__main__ import _parser, main
from waystation.simulator.options import Options
from waystation.simulator.server import Simulator

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


def _start(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Simulator:
    """Return the simulator that these arguments make, before it listens."""
    made = []

    async def keep(simulator: Simulator, *, until_stdin_closes: bool) -> None:
        made.append(simulator)

    monkeypatch.setattr("waystation.simulator.__main__._run", keep)
    assert main(arguments) == 0
    return made[0]


def test_without_a_seed_people_stay_and_uuids_are_new_at_each_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = _start(monkeypatch), _start(monkeypatch)
    assert first.ready_line() == second.ready_line() == Simulator().ready_line()
    assert first.ids.uuid("job:1") != second.ids.uuid("job:1")


def test_a_seed_repeats_people_and_uuids(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _start(monkeypatch, "--seed", "7"), _start(monkeypatch, "--seed", "7")
    assert first.ready_line() == second.ready_line() == Simulator(seed=7).ready_line()
    assert (
        first.ids.uuid("job:1") == second.ids.uuid("job:1") == Simulator(seed=7).ids.uuid("job:1")
    )


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


def test_an_option_that_is_left_out_has_its_default_of_the_options() -> None:
    found = vars(_parser().parse_args([]))
    assert (found.pop("seed"), found.pop("faults"), found.pop("until_stdin_closes")) == (
        None,
        [],
        False,
    )
    assert Options(**found) == Options()


def test_help_names_the_places_where_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "GET /_sim/faults" in said
    assert "src/waystation/simulator/README.md" in said


def test_a_port_that_is_taken_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as ended:
        port = taken.getsockname()[1]
        main(["--port", str(port)])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"waystation-simulator: 127.0.0.1:{port} is taken by another program; "
        "choose another --port, or 0 for a free one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tls-cert", "a.pem"], "both --tls-cert and --tls-key"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem and no.pem cannot be used"),
        (["--public-url", "example"], "a public URL looks like"),
        (["--model", "9"], "no model is called '9'; there are 3, 4"),
    ],
)
def test_wrong_addresses_and_models_are_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert words in capsys.readouterr().err


def test_it_ends_when_standard_input_closes() -> None:
    process = subprocess.Popen(
        [*COMMAND, "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None and process.stdout is not None
        json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.stdout.close() if process.stdout else None


def test_links_and_the_gateway_begin_with_the_public_url() -> None:
    with _running("--public-url", "https://discord.test:8443") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["url"] == "https://discord.test:8443"
