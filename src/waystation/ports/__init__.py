"""Ports: one narrow Protocol for each outside thing that has two implementations.

A test fake counts as an implementation. Adapters (`discord`, `store`, `outbound`, `vault`, `clock`)
implement these; `engine` and the faces know only these.
"""

from __future__ import annotations

from waystation.ports.callers import Fetched, Fetcher, Mailer, Sealer, Sender
from waystation.ports.clock import Clock, IdSource, wall_ahead
from waystation.ports.copies import Copies, CopiesKept, KeptCopy, Shelf, ShelfRoom, WantedCopy
from waystation.ports.deliveries import Deliveries
from waystation.ports.discord import (
    DiscordIdentity,
    Identifies,
    Interest,
    Probe,
    Standing,
    Transport,
    TransportFactory,
)
from waystation.ports.drafts import (
    InputsFull,
    JobDraft,
    JobInputs,
    KeyTaken,
    NoJob,
    NoSlot,
    QueueDraft,
    QueueFull,
    Repeated,
    RequestKey,
)
from waystation.ports.feeds import FeedEvent, FeedPage, Feeds
from waystation.ports.media import Cutter, MediaFile, MediaKey, MediaKeys, MediaSource
from waystation.ports.nodes import (
    AccountTold,
    Command,
    Commands,
    CommandStatus,
    LiveNode,
    Nodes,
    Ownership,
    ToldWait,
)
from waystation.ports.queue import AccountRow, Opening, Queue
from waystation.ports.quotas import OverQuota, Quotas
from waystation.ports.records import (
    Account,
    AccountSetup,
    AuditEntry,
    Commit,
    Counts,
    Delivery,
    Halt,
    HaltCause,
    JobChange,
    LoggedAttempt,
    Mail,
    Place,
    SigningSecret,
    TroubleChange,
    Unrecognised,
    User,
    UserChanges,
)
from waystation.ports.search import JobSearch, JobsFound, Search
from waystation.ports.service_store import ServiceStore
from waystation.ports.sharing import Share, Sharing
from waystation.ports.store import Accounts, Glance, Jobs, Outbox, Store, Users
from waystation.ports.tallies import Counted, Tallies, Tally, TallySlice
from waystation.ports.traces import NO_SPAN, Facts, Span, Traces, Untraced
from waystation.ports.upkeep import Upkeep

__all__ = [
    "FeedEvent",
    "FeedPage",
    "Feeds",
    "AccountRow",
    "Opening",
    "Queue",
    "QueueDraft",
    "QueueFull",
    "JobSearch",
    "JobsFound",
    "Search",
    "Account",
    "AccountSetup",
    "AccountTold",
    "AuditEntry",
    "Accounts",
    "Command",
    "Copies",
    "CopiesKept",
    "KeptCopy",
    "Shelf",
    "ShelfRoom",
    "WantedCopy",
    "CommandStatus",
    "Commands",
    "Commit",
    "Clock",
    "Counted",
    "Counts",
    "Cutter",
    "Deliveries",
    "Delivery",
    "DiscordIdentity",
    "Facts",
    "Fetched",
    "Fetcher",
    "Glance",
    "Halt",
    "HaltCause",
    "IdSource",
    "InputsFull",
    "Identifies",
    "Interest",
    "JobChange",
    "JobDraft",
    "JobInputs",
    "Jobs",
    "KeyTaken",
    "LiveNode",
    "LoggedAttempt",
    "Mail",
    "Mailer",
    "MediaFile",
    "MediaKey",
    "MediaKeys",
    "MediaSource",
    "NO_SPAN",
    "NoJob",
    "NoSlot",
    "Nodes",
    "Outbox",
    "OverQuota",
    "Ownership",
    "ToldWait",
    "Place",
    "Probe",
    "Quotas",
    "Repeated",
    "RequestKey",
    "Sealer",
    "Sender",
    "ServiceStore",
    "Share",
    "Sharing",
    "SigningSecret",
    "Span",
    "Standing",
    "Store",
    "Tallies",
    "Tally",
    "TallySlice",
    "Traces",
    "Transport",
    "TransportFactory",
    "TroubleChange",
    "Unrecognised",
    "Untraced",
    "Upkeep",
    "User",
    "UserChanges",
    "Users",
    "wall_ahead",
]
