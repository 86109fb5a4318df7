from __future__ import annotations

import pytest

from tests.build import replace
from tests.harness.face import JOB
from waystation.api.forms import Forms
from waystation.contract import job_json
from waystation.jobs import Child, JobId


def test_a_form_is_made_once_per_version() -> None:
    forms = Forms()
    first = forms.of(JOB)
    assert first.body == job_json(JOB)
    assert forms.of(JOB) is first
    changed = replace(JOB, content="(31%)", version=JOB.version + 1)
    assert forms.of(changed).body == job_json(changed) != first.body


def test_a_new_child_makes_a_new_form_of_the_same_version() -> None:
    forms = Forms()
    born = [Child("U1", JobId("job:2"), None)]
    assert forms.of(JOB).body != forms.of(JOB, born).body == job_json(JOB, born)
    named = [Child("U1", JobId("job:2"), "77")]
    assert forms.of(JOB, named).body == job_json(JOB, named)
    assert forms.of(JOB).body == job_json(JOB)


def test_only_so_many_forms_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waystation.api.forms.KNOWN_FORMS", 2)
    forms = Forms()
    jobs = [replace(JOB, jobid=JobId(f"job:{number}")) for number in range(3)]
    first, _, third = (forms.of(job) for job in jobs)
    assert forms.of(jobs[2]) is third
    assert forms.of(jobs[0]) is not first
