"""A described picture, as a job and as its JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from waystation.jobs import Job, JobId, JobStatus

DESCRIBE = Job(
    jobid=JobId("job:20231006183637963-user:1-channel:1234567890123456789-bot:midjourney"),
    user_id=1,
    account_id="a1",
    channel="1234567890123456789",
    verb="describe",
    status=JobStatus.STARTED,
    created_at=datetime(2023, 10, 6, 18, 36, 37, 963_000, tzinfo=UTC),
    updated_at=datetime(2023, 10, 6, 18, 36, 50, 401_999, tzinfo=UTC),
    discord="ABC…secured…xyz",
    params={"describeUrl": "https://pictures.example/1.png"},
    max_jobs=3,
    message_id="1160000000000000001",
    content="",
    timestamp="2023-10-06T18:36:48.875000+00:00",
)
