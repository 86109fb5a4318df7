from __future__ import annotations

import pytest

from waystation.simulator.faults.fault import Fault, FaultError, Place, read_params, scripted

ROW = Fault("late", "Late.", {"seconds": 1.5, "code": 4000, "loud": False, "word": "x"})


def test_given_parameters_replace_the_defaults() -> None:
    assert ROW.with_params({"code": 1}) == {"seconds": 1.5, "code": 1, "loud": False, "word": "x"}


def test_an_unknown_parameter_is_named_with_the_known_ones() -> None:
    with pytest.raises(FaultError, match=r"no parameter 'x' \(it has: seconds, code"):
        ROW.with_params({"x": 1})
    with pytest.raises(FaultError, match="it has: none"):
        Fault("plain", "").with_params({"x": 1})


def test_texts_become_values_of_the_defaults_kind() -> None:
    given = {"seconds": "2", "code": "-1", "loud": "yes", "word": "7"}
    assert read_params(ROW, given) == {"seconds": 2, "code": -1, "loud": True, "word": "7"}
    with pytest.raises(FaultError, match="seconds needs a number, not 'soon'"):
        read_params(ROW, {"seconds": "soon"})


def test_a_scripted_row_bends_timelines() -> None:
    row = scripted("gone", "Gone.", lambda params, timeline: timeline[: params["kept"]], kept=1)
    assert (row.place, row.params) == (Place.SCRIPT, {"kept": 1})
    assert row.script is not None and row.script(row.params, ()) == ()
