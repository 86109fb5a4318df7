"""waystation users: who may call the API; works on this host's database (R44)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from waystation.cli.confirming import confirm, must_ask
from waystation.cli.group import CommandGroup
from waystation.cli.host.database import database_name, find, on_host, user_json
from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import MARK, Grid, Screen, escaped, fields, opened, plain
from waystation.errors import InvalidRequest
from waystation.queueing.rotation import HIGHEST_PRIORITY, LOWEST_PRIORITY, MOST_WEIGHT

if TYPE_CHECKING:
    from waystation.app import State
    from waystation.ports import User, UserChanges

__all__ = ["app"]

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    help="Manage who may call the API of this host's service.",
)

_ROTATED = "The old token has stopped working: programs that use it need the new one."

_END_OF_DAY = time(23, 59, 59, tzinfo=UTC)


def _moment(text: str) -> datetime:
    """Return the last moment that `--on` names, UTC. Raises: BadParameter."""
    for pattern in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"):
        try:
            found = datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
        return found if "T" in text else datetime.combine(found, _END_OF_DAY)
    raise typer.BadParameter(
        f"{escaped(repr(text))} is no date; write a day as 2027-01-31, or a moment in UTC as "
        "2027-01-31T12:00:00"
    )


_Who = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address, or id.")]
_On = Annotated[
    datetime | None,
    typer.Option(
        parser=_moment,
        metavar="DATE",
        help="Last day, until its end in UTC, or last moment (2027-01-31T12:00:00).",
    ),
]
_Now = Annotated[bool, typer.Option("--now", help="End it at once, without asking.")]
_Never = Annotated[bool, typer.Option("--never", help="Remove the expiry date.")]


@app.command()
def add(
    email: Annotated[
        str, typer.Option(metavar="EMAIL", help="Where mails about the user's accounts go.")
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add a user and print the API token, this once: only a hash of it is kept."""

    async def work(state: State) -> tuple[User, str]:
        secret = _new_secret()
        user = await state.store.add_user(_checked(email), state.vault.hash_token(secret), _now())
        return user, secret

    with opened(as_json) as screen:
        screen.known["EMAIL"] = email
        user, secret = on_host(config, work, making=screen)
        screen.answer(*_with_token(user, secret))


@app.command("list")
def list_users(config: Config = None, as_json: Json = False) -> None:
    """List all users."""

    async def work(state: State) -> Sequence[User]:
        return await state.store.list_users()

    with opened(as_json) as screen:
        users = on_host(config, work)
        screen.answer(
            [user_json(user) for user in users],
            _table(users)
            if users
            else f"There is no user yet in {database_name(load_settings(config))}.",
        )


@app.command()
def expire(
    who: _Who,
    on: _On = None,
    now: _Now = False,
    never: _Never = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Set when a user's subscription ends; afterwards every call answers 402."""
    with opened(as_json) as screen:
        if (on is not None) + now + never > 1:
            raise InvalidRequest("--on, --now and --never exclude each other")
        if on is None and not now and not never:
            must_ask(screen, "use --on DATE, --now or --never to say when the subscription ends")
            email = on_host(config, lambda state: find(state, who)).email
            question = f"End the subscription of {email} now? (--on DATE ends it later)"
            confirm(screen, question, "the subscription is as it was")
        _change(screen, who, lambda: {"expires_at": None if never else on or _now()}, config)


@app.command()
def revoke(who: _Who, config: Config = None, as_json: Json = False) -> None:
    """Make a user's token worthless; afterwards every call answers 401."""
    with opened(as_json) as screen:
        _change(screen, who, lambda: {"revoked_at": _now()}, config)


@app.command()
def rotate(who: _Who, config: Config = None, as_json: Json = False) -> None:
    """Replace a user's token and print the new one, this once: the old one stops working.

    Programs that use the old token need the new one. A revocation is lifted.
    """

    async def work(state: State) -> tuple[User, str]:
        secret = _new_secret()
        token_hash = state.vault.hash_token(secret)
        return await _changed(state, who, {"token_hash": token_hash, "revoked_at": None}), secret

    with opened(as_json) as screen:
        user, secret = on_host(config, work)
        screen.answer(*_with_token(user, secret))
        screen.note(_ROTATED)


@app.command()
def admin(
    who: _Who,
    off: Annotated[bool, typer.Option("--off", help="Take it back.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a user an admin, who is told which private address a picture's URL leads to."""
    with opened(as_json) as screen:
        _change(screen, who, lambda: {"is_admin": not off}, config)


_Number = Annotated[
    int | None, typer.Option(metavar="NUMBER", min=0, help="0: any number.", show_default=False)
]


@app.command()
def limit(
    who: _Who,
    jobs_a_day: _Number = None,
    jobs_at_once: _Number = None,
    waiting_jobs: _Number = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Limit a user's jobs that take a slot; without options, show the limits in force.

    They count in a day (UTC), at once, and waiting. Over a limit a job is answered with 429. Limits
    that are not named stay.
    """
    named = {"jobs_a_day": jobs_a_day, "jobs_at_once": jobs_at_once, "waiting_jobs": waiting_jobs}
    given = {name: number or None for name, number in named.items() if number is not None}

    async def work(state: State) -> User:
        from msgspec.structs import replace

        from waystation.quotas import UserQuotas

        user = await find(state, who)
        if not given:
            return user
        quotas = replace(user.quotas or UserQuotas(), **given)
        changes: UserChanges = {"quotas": None if quotas == UserQuotas() else quotas}
        return await _changed(state, str(user.user_id), changes)

    with opened(as_json) as screen:
        user = on_host(config, work)
        screen.answer(user_json(user), _limits(user))


@app.command()
def queue(
    who: _Who,
    on: Annotated[
        bool | None,
        typer.Option("--on/--off", help="Let the user's jobs wait unless a request says no."),
    ] = None,
    weight: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_WEIGHT,
            metavar="NUMBER",
            help="Share of the turns on accounts that several users use.",
        ),
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            min=LOWEST_PRIORITY,
            max=HIGHEST_PRIORITY,
            metavar="NUMBER",
            help="The highest priority of the user's jobs.",
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Set how a user's jobs wait in the queue; without options, show it."""
    with opened(as_json) as screen:
        changes: UserChanges = {}

        async def work(state: State) -> User:
            return await (_changed(state, who, changes) if changes else find(state, who))

        if on is not None:
            changes["queues"] = on
        if weight is not None:
            changes["queue_weight"] = weight
        if priority is not None:
            changes["queue_priority"] = priority
        user = on_host(config, work)
        waits = {"by default": "yes" if user.queues else "no", "weight": user.queue_weight}
        shown = {"user": user.email, **waits, "highest priority": user.queue_priority}
        screen.answer(user_json(user), fields(shown))


def _change(screen: Screen, who: str, changes: Callable[[], UserChanges], config: Config) -> None:
    async def work(state: State) -> User:
        return await _changed(state, who, changes())

    user = on_host(config, work)
    screen.answer(user_json(user), _table([user], mark="ok"))


async def _changed(state: State, who: str, changes: UserChanges) -> User:
    """Change a user and return the row as it is then; the service may have changed it, too."""
    user = await find(state, who)
    await state.store.change_user(user.user_id, changes)
    return await find(state, str(user.user_id))


def _checked(email: str) -> str:
    from waystation.outbound.mail import valid_address

    if not valid_address(email):
        raise InvalidRequest("--email must be one plain address")
    return email


def _new_secret() -> str:
    from waystation.clock import SystemIds

    return SystemIds().token()


def _now() -> datetime:
    from waystation.clock import SystemClock

    return SystemClock().now()


def _with_token(user: User, secret: str) -> tuple[dict[str, object], RenderableType]:
    token = f"user:{user.user_id}-{secret}"
    shown = fields({"id": user.user_id, "email": user.email, "token": Text(token, "bold")})
    hint = Text("Keep the token now: it cannot be shown again.", "yellow")
    return {"id": user.user_id, "email": user.email, "token": token}, Group(shown, hint)


def _table(users: Sequence[User], mark: str | None = None) -> RenderableType:
    table = Grid("", "id", "email", "name", "since", "state")
    for user in users:
        standing, state = _state(user)
        row = (user.user_id, user.email, user.name or "", f"{user.created_at:%Y-%m-%d}", state)
        table.add_row(MARK[mark or standing], *(plain(cell) for cell in row))
    return table


def _limits(user: User) -> RenderableType:
    """Return the limits of a user that an admin has set."""
    table = Grid("", "id", "email", "jobs a day", "jobs at once", "waiting jobs")
    quotas = user.quotas
    limits: Sequence[int | None] = (None, None, None)
    if quotas is not None:
        limits = (quotas.jobs_a_day, quotas.jobs_at_once, quotas.waiting_jobs)
    cells = (user.user_id, user.email, *(one or "not limited" for one in limits))
    table.add_row(MARK["ok"], *(plain(cell) for cell in cells))
    return table


def _state(user: User) -> tuple[str, str]:
    if user.revoked_at is not None:
        return "error", f"revoked {user.revoked_at:%Y-%m-%d}"
    admin = ", admin" if user.is_admin else ""
    if user.quotas is not None:
        admin += ", limited"
    if user.expires_at is None:
        return "ok", f"active{admin}"
    if user.expires_at <= _now():
        return "warning", f"expired {user.expires_at:%Y-%m-%d %H:%M}"
    return "ok", f"active until {user.expires_at:%Y-%m-%d %H:%M}{admin}"
