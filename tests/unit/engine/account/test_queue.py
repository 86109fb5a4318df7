from __future__ import annotations

from tests.build import replace
from tests.harness.desk import PICTURE
from tests.harness.play import new_job
from waystation.actions import Press
from waystation.engine.account.queue import Place, Queue, Waiting
from waystation.jobs import Job, JobId, JobStatus, Modal, Nonce

A, B = new_job("a"), new_job("b", "info")


def _queue(*waiting: Waiting) -> Queue:
    queue = Queue()
    for one in waiting:
        queue.add(one, 60.0)
    return queue


def _let_go(queue: Queue, *jobs: Job) -> None:
    queue.let_go({job.jobid: job for job in jobs}.get)


def test_jobs_are_looked_at_in_the_order_in_which_they_came() -> None:
    queue = _queue(Waiting(A, (PICTURE,)), Waiting(B))
    assert queue.jobids == ("a", "b")
    assert [place.uploads for _, place in queue] == [None, ()]


def test_a_job_that_has_a_place_keeps_it() -> None:
    queue = _queue(Waiting(A, (PICTURE,)), Waiting(B))
    place = queue.get(JobId("a"))
    queue.add(Waiting(A), 90.0)
    assert queue.get(JobId("a")) is place
    assert queue.jobids == ("a", "b")


def test_pictures_that_are_stored_must_be_uploaded_too() -> None:
    assert Waiting(A, stored=True).uploads
    assert not Waiting(A, action=Press("1", 0, "id"), stored=True).uploads
    assert not Waiting(A).uploads


def test_a_job_that_is_asked_again_comes_first_and_uploads_again() -> None:
    queue = _queue(Waiting(B), Waiting(A, (PICTURE,)))
    place = queue.get(JobId("a"))
    assert place is not None
    place.uploads = ()
    queue.drop(JobId("a"))
    queue.put_back(place.afresh)
    assert queue.jobids == ("a", "b")
    again = queue.get(JobId("a"))
    assert again is not None
    assert (again.again, again.uploads, again.until) == (True, None, 60.0)


def test_a_job_that_was_asked_has_no_place_any_more() -> None:
    asked = replace(A, status=JobStatus.SUBMITTED)
    queue = _queue(Waiting(A), Waiting(B))
    _let_go(queue, asked, B)
    assert queue.jobids == ("b",)
    _let_go(queue)
    assert not queue


def test_a_repeated_ask_fits_until_anything_of_it_was_seen() -> None:
    place = Place(Waiting(A), 60.0, again=True)
    asked = replace(A, status=JobStatus.SUBMITTED)
    assert place.fits(asked)
    assert not place.fits(replace(asked, interaction_id="7"))
    assert not place.fits(A)
    assert not place.fits(None)


def test_a_job_whose_request_could_not_leave_keeps_its_nonce_and_its_uploads() -> None:
    place = Place(Waiting(A, (PICTURE,)), 60.0, again=True, uploads=())
    kept = place.kept(Nonce("7"))
    assert (kept.nonce, kept.uploads, kept.until, kept.again) == ("7", (), 60.0, True)
    # its owner has noted it, or could not
    asked = replace(A, status=JobStatus.SUBMITTED)
    assert kept.fits(A) and kept.fits(asked)
    assert not kept.fits(replace(asked, interaction_id="7"))
    assert not kept.fits(replace(A, status=JobStatus.CANCELLED))


def test_a_mask_is_kept_until_its_job_has_ended() -> None:
    queue = _queue(Waiting(A, (PICTURE,), Press("1", 0, "MJ::1")))
    assert queue.masks == {"a": PICTURE.data}
    assert [place.uploads for _, place in queue] == [()]
    _let_go(queue, replace(A, status=JobStatus.STARTED))
    assert (queue.jobids, queue.masks) == ((), {"a": PICTURE.data})
    _let_go(queue, replace(A, status=JobStatus.FAILED))
    assert queue.masks == {}


def test_a_modal_waits_for_its_answer_until_it_is_answered() -> None:
    queue = _queue()
    queue.modals.add(JobId("a"))
    opened = replace(A, status=JobStatus.SUBMITTED, modal=Modal("1", "form"))
    _let_go(queue, opened)
    assert queue
    _let_go(queue, replace(opened, modal=None))
    assert not queue
