"""Settings: one table, read from the environment, a TOML file and the command line.

How it works: each field of `Settings` is a row of SETTINGS. A value comes from a command-line flag,
else from WAYSTATION_<NAME>, else from the file, else it is the default; `origins` says which, for
`doctor`. An unknown key of the file is an error, because nobody else writes there; an unknown
variable is a warning, because the environment is shared.

Rules: the only reader of the environment, and the only file that names Discord's host. A message
names the setting and never quotes its value.
"""
# ruff: noqa: RUF009 - `_row` returns a dataclass field; its defaults are immutable

from __future__ import annotations

import difflib
import ipaddress
import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import unquote, urlsplit

import msgspec

from waystation.errors import ConfigurationError
from waystation.secret import Secret

__all__ = ["CONFIG_VARIABLE", "PREFIX", "SETTINGS", "Origin", "Setting", "Settings", "load"]

PREFIX = "WAYSTATION_"
"""The beginning of every variable's name."""

CONFIG_VARIABLE = "WAYSTATION_CONFIG"
"""Names the TOML file; not a row, because the file cannot name itself."""

_DEFAULT_FILE = Path("waystation.toml")

_PLACE = re.compile(r"\((at line \d+, column \d+|at end of document)\)$")
"""How tomllib's reasons end."""

_NOWHERE = "none"

_MIB = 1024 * 1024

Origin = Literal["default", "file", "environment", "flag"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row."""

    name: str
    type: Any
    default: object
    unit: str | None
    help: str
    secret: bool
    """Never shown; its type is Secret."""
    least: float | None
    most: float | None
    check: Callable[[Any], object] | None
    """Returns the value as it is used. Raises: ValueError: what it must be, in words."""
    example: str
    """One member, of what is a list."""

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return PREFIX + self.name.upper()


def _row(
    default: _T,
    help: str,
    *,
    unit: str | None = None,
    least: float | None = None,
    most: float | None = None,
    check: Callable[[Any], object] | None = None,
    example: str = "",
) -> _T:
    row: _T = field(
        default=default,
        metadata={
            "help": help,
            "unit": unit,
            "least": least,
            "most": most,
            "check": check,
            "example": example,
        },
    )
    return row


def _seconds(default: float, help: str, *, least: float = 0.0) -> float:
    return _row(default, help, unit="seconds", least=least)


def _http_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if text and not good:
        raise ValueError("an http or https URL")
    return text.rstrip("/")


def _collector_url(text: str) -> str:
    try:
        url = _http_url(text)
    except ValueError:
        url = "?"
    if any(sign in url for sign in "@?#"):
        # it is logged and shown; OpenTelemetry's own variables say how to log in
        raise ValueError("an http or https URL without user, query and fragment")
    return url.removesuffix("/v1/traces")


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise ValueError("networks like 10.0.0.0/8") from None
    return texts


def _smtp_url(url: Secret) -> Secret:
    text = url.reveal()
    if text and not text.startswith(("smtp://", "smtps://")):
        raise ValueError("a URL like smtp://user:password@host:587/?from=me@example.org")
    return url


def _listen_url(url: Secret) -> Secret:
    text = url.reveal()
    if text not in ("", _NOWHERE) and not _is_postgresql(text):
        raise ValueError("a URL like postgresql://user:password@host:5432/name, or none")
    return url


def _database_url(url: Secret) -> Secret:
    text = url.reveal()
    if text and _sqlite_path(text) is None and not _is_postgresql(text):
        raise ValueError(
            "a URL like sqlite:///path/to/file.db or postgresql://user:password@host:5432/name"
        )
    return url


def _is_postgresql(text: str) -> bool:
    return text.startswith(("postgresql://", "postgres://"))


def _sqlite_path(url: str) -> Path | None:
    """Return the file of `sqlite:///relative` or `sqlite:////absolute`, None for anything else."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or len(url) == len(prefix):
        return None
    return Path(unquote(url.removeprefix(prefix)))


_COPIES = re.compile(r"refresh|local(:.+)?", re.DOTALL)


def _media(text: str) -> str:
    if text and not _COPIES.fullmatch(text):
        raise ValueError("refresh, local, or local:/path/to/a/folder")
    return text


_ACTIVITY_URL = "https://936929561302675456.discordsays.com"
"""The host of the bot's activities. Source: wire notes 3.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """An operator's decisions. Every field but the last two is a row of SETTINGS."""

    data_dir: Path = _row(
        Path("~/.local/share/waystation"),
        "Where the database, its backups and the key file live.",
    )
    database_url: Secret = _row(
        Secret(""),
        "The database: sqlite:///path, or postgresql://user:password@host/name. "
        "Empty: the file waystation.db in the data directory.",
        check=_database_url,
    )
    database_connections: int = _row(
        10,
        "PostgreSQL alone: connections of this process at most.",
        unit="connections",
        least=1,
        most=1000,
    )
    database_connect_s: float = _seconds(
        10.0, "PostgreSQL alone: time to make a connection.", least=0.1
    )
    database_statement_s: float = _seconds(
        30.0,
        "PostgreSQL alone: time of a statement, with its wait for rows that others hold.",
        least=0.1,
    )
    listen_url: Secret = _row(
        Secret(""),
        "PostgreSQL alone: the database without a pooler, for news of other nodes; none: each node "
        "looks every second. Empty: the database's URL, and none where that is a pooler's.",
        check=_listen_url,
    )
    key: Secret = _row(
        Secret(""),
        "The key ring's text, instead of the file keys.json in the data directory.",
    )
    host: str = _row("127.0.0.1", "Address to listen on. Anything else opens it to the network.")
    port: int = _row(8080, "Port to listen on; 0 takes a free one.", least=0, most=65535)
    public_url: str = _row(
        "",
        "Where browsers find the service, like https://pictures.example.org; links to files begin "
        "with it. Empty: links begin with the host that the request for them names.",
        check=_http_url,
    )
    cors_origins: tuple[str, ...] = _row(
        (),
        "Origins whose pages may call the API from a browser; * for all. Empty: off.",
        example="https://example.org",
    )
    trusted_proxies: tuple[str, ...] = _row(
        ("127.0.0.1", "::1"),
        "Reverse proxies, as address or CIDR, whose X-Forwarded-For names the caller; nobody "
        "else's is read. Empty: none.",
        check=_networks,
        example="10.0.0.0/8",
    )
    metrics: bool = _row(True, "Serve /metrics for Prometheus.")
    drain_s: float = _seconds(8.0, "How long a stop waits for answers and attempts under way.")

    discord_url: str = _row(
        "https://discord.com",
        "Discord, or the simulator that stands in for it; midjourney_cdn_url then names it, too.",
        check=_http_url,
    )
    activity_url: str = _row(
        "",
        "Where masks of Vary (Region) are sent. Empty: Midjourney's own host, or where discord_url "
        "points when that is not Discord.",
        check=_http_url,
    )
    midjourney_cdn_url: str = _row(
        "https://cdn.midjourney.com",
        "Where imageUx and videoUx point to; empty: jobs do not have them.",
        check=_http_url,
    )
    mask_repaints: Literal["white", "black"] = _row(
        "white",
        "The colour of a mask that Midjourney paints anew; callers always send white for it.",
    )
    upload_hosts: tuple[str, ...] = _row(
        ("discord-attachments-uploads-prd.storage.googleapis.com",),
        "Hosts beside Discord's own to which it may direct uploads.",
        example="uploads.example.org",
    )
    media_hosts: tuple[str, ...] = _row(
        ("cdn.discordapp.com", "media.discordapp.net"),
        "Hosts beside Discord's own from which the files of jobs are read.",
        example="cdn.example.org",
    )
    media: str = _row(
        "",
        "Copies of the files of jobs: `local` keeps them in the data directory, local:/path in "
        "another folder, `refresh` keeps none and reads each file from Discord. Empty: local "
        "with SQLite, refresh with PostgreSQL.",
        check=_media,
    )
    media_gib: float = _row(
        10.0,
        "Room of all copies; the oldest go first. They leave 1 GiB and a tenth of the disk free in "
        "any case.",
        unit="GiB",
        least=0.001,
    )
    contact: str = _row("", "URL or address of whoever runs this, shown to Discord.")
    request_timeout_s: float = _seconds(
        10.0, "How long one request to Discord may take; shorter than the lease.", least=0.1
    )
    pacing_s: float = _seconds(
        2.5,
        "Usual pause between two submissions of an account, varied by the jitter below. 0 turns it "
        "off; that is a risk.",
    )
    pacing_jitter_s: float = _seconds(
        1.0, "How far the pause is varied to either side; 0 when there is no pause."
    )
    breaker_invalid: int = _row(
        1000,
        "Refused requests (401, 403, 429) in ten minutes that stop every send; Discord bans an "
        "address at 10000.",
        least=1,
        most=10_000,
    )
    lease_s: float = _seconds(
        30.0, "How long this process may act for an account without renewing its lease.", least=3.0
    )

    first_answer_s: float = _seconds(
        60.0,
        "How long a job waits for its turn, and then for the bot's first message.",
        least=0.1,
    )
    send_within_s: float = _seconds(
        600.0,
        "Age up to which a job that was accepted and not sent, because Waystation was stopped or "
        "killed, is sent by the next start.",
    )
    queue_hours: float = _row(
        24.0,
        "How long a job waits in the queue at most; then it has failed.",
        unit="hours",
        least=0.0,
    )
    queue_per_user: int = _row(1000, "Jobs of one user that wait in the queue.", least=1)
    first_edit_s: float = _seconds(
        1.5,
        "How long a POST waits after the bot's empty first message for its first edit, so that a "
        "refusal is the POST's answer.",
    )
    job_timeout_s: float = _seconds(
        1800.0, "From submission to the result; then the job has failed.", least=0.1
    )
    track_queued_jobs: bool = _row(
        False,
        "Go on with a job that Midjourney queues itself, which starts it later, until its result. "
        "Else it ends with 504, as in v2.",
    )
    blind_grace_s: float = _seconds(
        600.0, "How much longer a job lives while Discord cannot be heard."
    )
    silence_s: float = _seconds(
        60.0,
        "After how much silence about a running job the channel's history is read for it; again "
        "after twice as much, and so on.",
        least=0.1,
    )
    vanish_grace_s: float = _seconds(
        30.0, "From the bot's message being deleted to the verdict that it was moderated."
    )
    slot_hold_s: float = _seconds(
        600.0, "How long a job that may still run in Midjourney keeps its slot without evidence."
    )
    ghost_life_s: float = _seconds(
        86_400.0, "How long a late result can still be told to belong to a job that has ended."
    )
    job_retention_days: float = _row(
        31.0, "How long jobs can be read after they ended.", unit="days", least=0.0
    )
    unrecognised_days: float = _row(
        7.0,
        "How long bot messages that nobody understood are kept.",
        unit="days",
        least=0.0,
        most=7.0,
    )
    janitor_s: float = _seconds(
        60.0, "How often old jobs are purged and abandoned ones ended.", least=0.05
    )

    allow_networks: tuple[str, ...] = _row(
        (),
        "Private networks that callers' URLs may reach, in CIDR form. Addresses of cloud metadata "
        "are refused all the same.",
        check=_networks,
        example="10.0.0.0/8",
    )
    fetch_limit_bytes: int = _row(
        10 * _MIB, "Largest picture fetched; Discord takes no larger.", unit="bytes", least=1
    )
    fetch_limit_pixels: int = _row(
        50_000_000, "Largest picture, width times height.", unit="pixels", least=1
    )
    fetch_timeout_s: float = _seconds(20.0, "How long fetching a picture may take.", least=0.1)
    fetches_per_user: int = _row(4, "Pictures of one user that are taken in at once.", least=1)
    fetches: int = _row(16, "Pictures that are taken in at once, in all.", least=1)
    input_bytes_per_user: int = _row(
        512 * _MIB,
        "Pictures of one user that wait in the database until their jobs are sent.",
        unit="bytes",
        least=1,
    )
    json_limit_bytes: int = _row(_MIB, "Largest JSON body.", unit="bytes", least=1)
    form_limit_bytes: int = _row(11 * _MIB, "Largest multipart body.", unit="bytes", least=1)
    head_timeout_s: float = _seconds(10.0, "How long a request's head may take.", least=0.1)
    body_timeout_s: float = _seconds(30.0, "How long a request's body may take.", least=0.1)

    callback_timeout_s: float = _seconds(15.0, "How long a callback may take.", least=0.1)
    receiver_patience_days: float = _row(
        5.0,
        "How long a receiver may fail before it is disabled; mails tell of it after a fifth, three "
        "fifths and all of it. 0: never.",
        unit="days",
        least=0.0,
    )
    smtp_url: Secret = _row(
        Secret(""),
        "Mail server: smtp://user:password@host:port/?from=…, or smtps://. Empty: no mail.",
        check=_smtp_url,
    )
    mail_from: str = _row("", "Sender of mails, when the mail server's URL has no `from`.")
    mail_timeout_s: float = _seconds(30.0, "How long handing over a mail may take.", least=0.1)

    log_level: Literal["debug", "info", "warning", "error"] = _row(
        "info", "Lowest level that is logged."
    )
    log_format: Literal["console", "json"] = _row(
        "console", "`console` for people, `json` for one object per line."
    )

    otlp_endpoint: str = _row(
        "",
        "OpenTelemetry collector that traces of jobs are sent to, as OTLP over HTTP, like "
        "http://127.0.0.1:4318. It needs the packages of waystation[otel]. Empty: no traces.",
        check=_collector_url,
    )

    url: str = _row(
        "http://127.0.0.1:8080", "Where the command line finds the service.", check=_http_url
    )
    token: Secret = _row(Secret(""), "The API token the command line uses.")

    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where each value came from; a name that is missing is at its default."""
    warnings: tuple[str, ...] = ()
    """Sentences for the log and `doctor`."""

    @property
    def usual_activity_url(self) -> str:
        """Where masks are sent unless told: a stand-in for Discord serves that too."""
        at_home = self.discord_url == _BY_NAME["discord_url"].default
        return _ACTIVITY_URL if at_home else self.discord_url

    @property
    def reachable_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The private networks that URLs of callers may reach."""
        return tuple(ipaddress.ip_network(text) for text in self.allow_networks)

    @property
    def copies_folder(self) -> Path | None:
        """The folder of copies; None: there are none."""
        kind, _, folder = (self.media or "local").partition(":")
        if kind == "refresh" or (not self.media and self.postgresql_url is not None):
            return None
        return Path(folder).expanduser() if folder else self.data_dir / "media"

    @property
    def postgresql_url(self) -> str | None:
        """The URL of a PostgreSQL database; None: the database is a SQLite file."""
        url = self.database_url.reveal()
        return url if _is_postgresql(url) else None

    def listens_at(self, *, pooled: bool) -> str | None:
        """Return the URL at which news of other nodes is heard; None: nowhere.

        Args: pooled: a pooler stands before the database, through which nobody can listen
        """
        text = self.listen_url.reveal()
        if text == _NOWHERE or (pooled and not text):
            return None
        return text or self.postgresql_url

    @property
    def database_path(self) -> Path:
        """The SQLite file, where the database is one."""
        return _sqlite_path(self.database_url.reveal()) or self.data_dir / "waystation.db"

    def shown(self, name: str) -> str:
        """Return a value as `doctor` prints it; of a secret only whether it is set."""
        value = getattr(self, name)
        if isinstance(value, Secret):
            return "(set)" if value.reveal() else "(not set)"
        if isinstance(value, tuple):
            return ", ".join(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    def plain(self, name: str) -> object:
        """Return a value as JSON has it; None for what is not set, of a secret only whether."""
        value = getattr(self, name)
        if isinstance(value, Secret):
            return "(set)" if value.reveal() else None
        if isinstance(value, tuple):
            return list(value)
        return (str(value) or None) if isinstance(value, str | Path) else value


def _rows() -> tuple[Setting, ...]:
    types = get_type_hints(Settings)
    return tuple(
        Setting(
            name=each.name,
            type=types[each.name],
            default=each.default,
            secret=types[each.name] is Secret,
            **each.metadata,
        )
        for each in fields(Settings)
        if each.metadata and each.default is not MISSING
    )


SETTINGS = _rows()
"""Every setting, in the order of the documentation."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load(
    config: Path | None = None,
    flags: Mapping[str, object] = MappingProxyType({}),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read every setting.

    Args: config: the TOML file; else WAYSTATION_CONFIG, else ./waystation.toml if it is there;
        flags: values from the command line by name; environ: None for the process's own
    Raises: ConfigurationError: a value that is not valid, or an unknown key of the file
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    file = _config_path(config, environ)
    for origin, found in (
        ("file", _from_file(file)),
        ("environment", _from_environment(environ)),
        ("flag", flags),
    ):
        for name, raw in found.items():
            row = _BY_NAME[name]
            where = {"file": f"{file}: {name}", "environment": row.variable}.get(origin)
            where = where or f"--{name.replace('_', '-')}"
            values[name] = _value(row, raw, where, lax=origin == "environment")
            origins[name] = origin  # type: ignore[assignment]  # the tuple above spells them out
    values.setdefault("data_dir", Settings().data_dir)
    values["data_dir"] = values["data_dir"].expanduser()
    return Settings(**values, origins=origins, warnings=_unknown_variables(environ))


def _config_path(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    if config is None and environ.get(CONFIG_VARIABLE):
        config = Path(environ[CONFIG_VARIABLE])
    if config is None:
        return _DEFAULT_FILE if _DEFAULT_FILE.exists() else None
    if not config.exists():
        raise ConfigurationError(f"The settings file {config} does not exist.")
    return config


def _from_file(path: Path | None) -> Mapping[str, object]:
    if path is None:
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        # Only the place: the reason may quote the line, and with it a secret.
        place = _PLACE.search(str(error))
        told = f" ({place[1]})" if place else ""
        raise ConfigurationError(f"{path} is not valid TOML{told}.") from None
    for key in found:
        if key not in _BY_NAME:
            raise ConfigurationError(
                f"{path}: `{key}` is not a setting{_nearest(key.lower(), _BY_NAME)}"
            )
    return found


def _from_environment(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is set. An empty variable counts as absent, as in compose files it should."""
    return {row.name: environ[row.variable] for row in SETTINGS if environ.get(row.variable)}


def _unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    known = {row.variable for row in SETTINGS} | {CONFIG_VARIABLE}
    return tuple(
        f"{name} is not a setting{_nearest(name, known)}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in known
    )


def _nearest(name: str, known: Mapping[str, object] | set[str]) -> str:
    # the prefix, which all variables have, makes none of them near
    by_rest = {each.removeprefix(PREFIX): each for each in known}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), by_rest, n=1, cutoff=0.6)
    return f"; did you mean `{by_rest[close[0]]}`?" if close else "."


def _value(row: Setting, raw: object, where: str, *, lax: bool) -> object:
    """Turn what was found into the row's type.

    Args: where: what a message calls it; lax: text from the environment, which has no types
    """
    try:
        value = _convert(row.type, raw, lax=lax)
        if isinstance(value, int | float):
            _check_bounds(row, value)
        return value if row.check is None else row.check(value)
    except msgspec.ValidationError:
        wanted = _wanted(row)
    except ValueError as error:
        wanted = str(error)
    raise ConfigurationError(f"{where} must be {wanted}.")


def _convert(kind: Any, raw: object, *, lax: bool) -> object:
    if kind is Secret:
        return Secret(msgspec.convert(raw, str))
    if kind is Path:
        return raw if isinstance(raw, Path) else Path(msgspec.convert(raw, str))
    if kind == tuple[str, ...] and lax:
        return tuple(each.strip() for each in str(raw).split(",") if each.strip())
    return msgspec.convert(raw, kind, strict=not lax)


def _check_bounds(row: Setting, value: float) -> None:
    if (
        not math.isfinite(value)
        or (row.least is not None and value < row.least)
        or (row.most is not None and value > row.most)
    ):
        raise ValueError(_wanted(row))


def _wanted(row: Setting) -> str:
    """Say in words what a row takes."""
    if get_origin(row.type) is Literal:
        return "one of " + ", ".join(get_args(row.type))
    if row.type not in (int, float):
        if row.example:
            return f'a list, e.g. ["{row.example}"]'
        return "true or false" if row.type is bool else "text"
    words = "a whole number" if row.type is int else "a number"
    if row.unit is not None:
        words += f" of {row.unit}"
    if row.least is not None and row.most is not None:
        return f"{words} from {row.least:g} to {row.most:g}"
    return words if row.least is None else f"{words}, at least {row.least:g}"
