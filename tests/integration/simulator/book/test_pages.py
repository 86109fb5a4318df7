from __future__ import annotations

from tests.integration.simulator.scene import UUID, Setting
from waystation.simulator import drawing
from waystation.simulator.book.pages import note_work, page
from waystation.simulator.bot.buttons import BUTTONS
from waystation.simulator.bot.job import Caption, Press
from waystation.simulator.bot.works import Medium, Work


def test_a_page_begins_running_and_without_evidence() -> None:
    entry = page(Setting().job("imagine").ask, 7, "100", "9", accepted_at_s=1.5)
    assert (entry["number"], entry["status"], entry["evidence"]) == (7, "running", [])
    assert (entry["accepted_at_s"], entry["final_at_s"]) == (1.5, None)


def test_a_presss_page_names_button_message_and_what_is_made() -> None:
    setting = Setting()
    press = Press({"id": "9"}, BUTTONS[2], "U3", "", text="a cat", opened_by="55")
    work = Work(UUID, "1", Medium.SINGLE, drawing.imagine("fox", 1), "a cat", "7", 4, parent="p")
    caption = Caption(final="Image #3")
    job = setting.job("modal", press=press, work=work, prompt="a cat", caption=caption)
    note_work(job)
    entry = page(job.ask, 1, "100", "7", 0.0) | job.entry
    assert (entry["button"], entry["source_id"], entry["opened_by"]) == ("U3", "9", "55")
    assert (entry["asked"], entry["prompt"], entry["wording"]) == ("a cat", "a cat", "Image #3")
    assert (entry["parent"], entry["tile"], entry["seed"]) == ("p", 3, 4)
