from __future__ import annotations

from pathlib import Path

from tests.harness.house import house
from waystation.secret import redact


async def test_the_text_of_a_secret_is_not_shown_in_logs(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        secret = await here.deliveries.new_secret(await here.user())
        assert secret.reveal().startswith("whsec_")
        assert secret.reveal() not in redact(f"made {secret.reveal()}")
        assert secret.reveal() not in repr(secret)


async def test_a_secret_is_kept_sealed_in_its_own_row(tmp_path: Path) -> None:
    """R45."""
    async with house(tmp_path) as here:
        await here.deliveries.new_secret(await here.user())
        (row,) = await here.deliveries.secrets(await here.user())
        assert row.sealed.startswith(f"signing_secrets/{row.secret_id}:".encode())
