"""A service without a collector: nothing of the packages of traces is even imported."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.process import ground

SENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
ASKED = {"prompt": "a red fox"}


async def test_without_a_collector_no_service_imports_the_packages_of_traces(
    tmp_path: Path,
) -> None:
    """With packages that leave a mark where they are imported, from its start to a callback."""
    mark = tmp_path / "imported"
    package = tmp_path / "first" / "opentelemetry"
    package.mkdir(parents=True)
    code = f"import pathlib; pathlib.Path({str(mark)!r}).touch()"
    (package / "__init__.py").write_text(code)
    async with ground(tmp_path, options={"picture_size": 64}) as here:
        here.environment["PYTHONPATH"] = str(package.parent)
        await here.settle_in()
        status, job, _ = await here.ada.call(
            "POST",
            "/v2/jobs/imagine",
            ASKED | {"replyUrl": f"{here.outside.url}/callback"},
            headers=SENT,
        )
        assert status == 200, job
        await here.outside.callback()
        await here.stop()
        assert not mark.exists()
        assert "traceparent" not in here.outside.callbacks[-1][0]
        here.environment["WAYSTATION_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
        await here.run("doctor")
        assert mark.exists(), "the mark shows what it is to show"
