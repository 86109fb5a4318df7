"""docs/limits.md: each retry and each time limit, with the number that the code has.

A row names the places of its numbers as `spans` does; a place that begins with `#` is a count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from tests.documents.spans import Value, constant, spans

__all__ = ["DERIVED", "ROWS", "Row", "limits_page", "spoken"]


class Row(NamedTuple):
    """One limit. `form` puts its numbers into words."""

    what: str
    places: str
    end: str
    form: str = ""


ROWS: Mapping[str, Sequence[Row]] = {
    "A request to the API": (
        Row("Head of a request", "WAYSTATION_HEAD_TIMEOUT_S", "The connection is closed."),
        Row(
            "Body of a request",
            "WAYSTATION_BODY_TIMEOUT_S",
            "The answer is 408, and the connection is closed.",
        ),
        Row(
            "Rest of a refused body, which is thrown away",
            "body.Limits.discard_s",
            "The refusal is answered, and the connection is closed.",
        ),
        Row(
            "Answer that a caller does not read",
            "protocol.Bounds.unread_s",
            "The connection is cut off.",
        ),
        Row(
            "POST of a job: wait beyond `first_answer_s`",
            "answering._ANSWER_MARGIN_S",
            "The POST answers `started`, and the job goes on. A job that was not sent by then "
            "fails with 502, unless an identical job holds it up.",
        ),
        Row(
            "Job of the queue: wait until it is sent, at most",
            "WAYSTATION_QUEUE_HOURS",
            "The job fails with 502, and says what it has waited for.",
        ),
        Row(
            "Account whose jobs Midjourney's own full queue has refused: rest of the account",
            "queue.RESTS",
            "The account is given the next job of the queue.",
        ),
        Row(
            "Job of the queue that could not be sent: wait until it may be sent again",
            "queue.PUT_BACK",
            "It has its old place among the jobs of its user.",
        ),
        Row(
            "`Retry-After` of a refused job whose user has too many waiting, where nothing tells",
            "waiting._WAITS_S",
            "The caller may ask again.",
        ),
        Row(
            "Longest time between two looks at all accounts that waiting jobs may use",
            "dispatcher.LONGEST_ROUND_S",
            "What happens is looked at once; this is for what nobody told.",
        ),
        Row(
            "Time between two looks whether another process has changed the database",
            "neighbours.LOOK_S",
            "After a change, as of a user's limits on the host, waiting jobs are looked at.",
        ),
        Row(
            "Account that is taken over while others are on their way: pause after the one before",
            "line.STEP_S",
            "It is taken over.",
        ),
        Row(
            "Account that is on its way to Discord: how long others wait for it at most",
            "line.ON_THE_WAY_S",
            "The next one begins.",
        ),
        Row(
            "Round over waiting jobs that the database has broken: wait until the next",
            "dispatcher._AGAIN_S",
            "It is tried again.",
        ),
        Row(
            "Account that has taken as many jobs as it may in a minute: next look",
            "dispatcher._HURRIED_S",
            "Waiting jobs go to other accounts meanwhile, or wait.",
        ),
        Row(
            "Full slots of which one should be free by now: `Retry-After`",
            "choice._LATE_S",
            "The caller may ask again.",
        ),
        Row(
            "Wait for the end of a job with `Prefer: wait`, at most",
            "prefer.LONGEST_WAIT_S",
            "The job is answered as it is.",
        ),
        Row(
            "POST of a job: wait for the first edit of an empty first message",
            "WAYSTATION_FIRST_EDIT_S",
            "The POST answers `started`.",
        ),
        Row(
            "Failed logins of one address",
            "logins.Logins.__init__:timedelta #logins.FAILURES",
            "Another failed login from this address is 429.",
            "{1} within {0}",
        ),
        Row(
            "Jobs of one account",
            "choice.Choice.__init__:timedelta",
            "The next job is 429. [SECURITY](../SECURITY.md) has the number of jobs.",
            "a number within {}",
        ),
        Row(
            "Jobs of a user or an account, where they are limited",
            "quotas._DAY",
            "The next job is 429 until the day (UTC) is over.",
            "a number within {}",
        ),
        Row(
            "Failed jobs of an account count for its chance to be drawn",
            "failings.FAILING_SPAN",
            "They count no more.",
        ),
        Row(
            "Resets of one account; new and rejected tokens of one user",
            "accounts._HOUR",
            "The next one is 429. [SECURITY](../SECURITY.md) has the numbers.",
            "a number within {}",
        ),
        Row(
            "Request with pictures: wait for a place",
            "intake.PATIENCE_S",
            "The answer is 429.",
        ),
        Row(
            "Removal of an account without jobs: wait of the DELETE",
            "pool.RETIRED_WITHIN_S",
            "The DELETE is answered, and the removal goes on.",
        ),
        Row(
            "`Retry-After` of a 429 of Waystation, where its sentence names no other",
            "errors.Busy.__init__.retry_after_s",
            "The caller may ask again.",
        ),
        Row(
            "`Retry-After` of a job's 429, where Discord named no time",
            "contract._RETRY_AFTER_S",
            "The caller may ask again.",
        ),
        Row(
            "`Retry-After` of a job's 429, at most",
            "contract._LONGEST_RETRY_AFTER_S",
            "The caller may ask again.",
        ),
        Row(
            "Pause between two steps that make older jobs findable, and after one that failed",
            "indexing._PAUSE_S indexing._AGAIN_S",
            "The next step begins, until every job can be found.",
        ),
        Row(
            "Silence of a stream of events",
            "stream.KEEP_ALIVE_S",
            "A comment is sent, and the token is looked at again.",
        ),
        Row("`Retry-After` of a 503", "answer._RETRY_AFTER_S", "The caller may ask again."),
    ),
    "A job": (
        Row(
            "Wait for its turn, and then for the first message of the bot",
            "WAYSTATION_FIRST_ANSWER_S",
            "The job fails with 502. Its error says which of the two it waited for. A turn may "
            "take twice as long beside an identical job.",
        ),
        Row(
            "Silence after the request, in which the account sends no other job",
            "deadlines.IN_FLIGHT",
            "The account sends its next job, unless that one looks the same.",
        ),
        Row(
            "Job that was not sent before Waystation went down: age up to which the next start "
            "sends it",
            "WAYSTATION_SEND_WITHIN_S",
            "The job fails with 502, and nothing was submitted.",
        ),
        Row(
            "`Idempotency-Key`",
            "keys.KEY_LIFE",
            "A request with the same key makes a new job.",
        ),
        Row(
            "`Retry-After` of a repeated request whose first is not answered, at most",
            "idempotency._LONGEST_WAIT_S",
            "The caller may ask again.",
        ),
        Row("Whole job", "WAYSTATION_JOB_TIMEOUT_S", "The job fails with 502."),
        Row(
            "More time for a job while Discord cannot be heard",
            "WAYSTATION_BLIND_GRACE_S",
            "The job fails with 502.",
        ),
        Row(
            "Silence about a running job",
            "WAYSTATION_SILENCE_S",
            "Waystation reads the history of the channel. It does so again after twice as long.",
        ),
        Row(
            "Deleted message of a job: wait for another one",
            "WAYSTATION_VANISH_GRACE_S",
            "The job is moderated, with 422.",
        ),
        Row(
            "Cancelled job: wait for a sign that the bot has stopped",
            "adapters.OwnerLimits.cancel_wait_s",
            "The job is cancelled. It keeps its slot as the next row says.",
        ),
        Row(
            "Slot of an ended job that Midjourney may still run",
            "WAYSTATION_SLOT_HOLD_S",
            "The slot is given back.",
        ),
        Row(
            "Late result of an ended job",
            "WAYSTATION_GHOST_LIFE_S",
            "A later result is not kept with the job.",
        ),
        Row(
            "Picture that a person has asked for by hand in the same channel",
            "asks_by_hand._LIFE",
            "A later picture is not taken for the answer to that person.",
        ),
        Row(
            "Command that a person gave by hand while Waystation did not listen",
            "unread._RUNS",
            "A later picture is not taken for its answer.",
        ),
        Row(
            "Picture near the start of listening, or near the deletion of a progress",
            "unread._AT_ONCE unread._NEAR",
            "A later picture can be matched without reading the history first.",
            "{0} and {1}",
        ),
        Row(
            "Progress that is stored and told, at most one in",
            "heard._PROGRESS_EVERY",
            "The next progress is taken.",
        ),
        Row(
            "Ended job in the database",
            "WAYSTATION_JOB_RETENTION_DAYS",
            "The job is deleted; reading it is 404.",
        ),
        Row(
            "Round that deletes old jobs and ends jobs without an account",
            "WAYSTATION_JANITOR_S",
            "The next round begins.",
            "every {}",
        ),
    ),
    "Database on PostgreSQL": (
        Row(
            "Making a connection",
            "WAYSTATION_DATABASE_CONNECT_S",
            "The start fails; a request is answered 503.",
        ),
        Row(
            "Statement, with its wait for rows that others hold",
            "WAYSTATION_DATABASE_STATEMENT_S",
            "The transaction is taken back; a request is answered 503.",
        ),
        Row(
            "Write of a process that is frozen in the middle of it",
            "pool._IDLE_S",
            "The transaction is taken back, and its rows are free for other nodes.",
        ),
        Row(
            "Wait of a write for a row that another one holds; the same in all",
            "pool._LOCK_S tries.ROWS_WITHIN_S",
            "The write begins anew. In the end a request is answered 503.",
            "{0}; {1}",
        ),
        Row(
            "Asking whether a commit was made whose answer was lost",
            "tries.KNOWN_WITHIN_S",
            "The request is answered 503, although its change may be written.",
        ),
        Row(
            "Pause between two such questions",
            "tries._PAUSE_S",
            "The next question begins.",
        ),
    ),
    "Requests to Discord": (
        Row(
            "Request that submits a job",
            "WAYSTATION_REQUEST_TIMEOUT_S",
            "Nobody knows whether Discord took it. Waystation waits for the bot and does not send "
            "the request again.",
        ),
        Row(
            "Making a connection, at most",
            "calls._CONNECT_TIMEOUT_S",
            "Nothing was sent. A job fails with 502; a read is tried again.",
        ),
        Row("Read", "calls._READ_TIMEOUT_S", "The read is tried again."),
        Row("Upload of a picture", "rest._UPLOAD_TIMEOUT_S", "The upload is tried again."),
        Row(
            "Tries of a read or an upload",
            "calls.repeated:attempts calls.repeated:timeout",
            "The read or the upload has failed; a job that needs it fails with 502.",
            "{0} tries, begun within {1}",
        ),
        Row(
            "Pause between two tries, first and longest",
            "calls.repeated:wait_initial calls.repeated:wait_max",
            "The next try begins.",
            "{0} and {1}",
        ),
        Row(
            "Wait of a read or an upload that Discord asks for, at most",
            "calls._LONGEST_READ_WAIT_S",
            "A read that must wait longer fails at once. An upload waits as long as its job may.",
        ),
        Row(
            "Pause between two requests that submit a job",
            "WAYSTATION_PACING_S",
            "The account sends its next job.",
        ),
        Row(
            "Chance that shortens or lengthens this pause, at most",
            "WAYSTATION_PACING_JITTER_S",
            "The account sends its next job.",
        ),
        Row(
            "429 of Discord that names no time",
            "buckets._DEFAULT_WAIT_S",
            "Requests of this kind go on.",
        ),
        Row(
            "429 of the network in front of Discord, at least",
            "buckets.EDGE_WAIT_S",
            "Requests of the account go on.",
        ),
        Row(
            "Wait that Discord asks for, at most believed",
            "buckets.LONGEST_WAIT_S",
            "Requests go on. Discord says again if they must wait.",
        ),
        Row(
            "Refusals (401, 403, 429) that are counted",
            "buckets.BREAKER_WINDOW_S",
            "After `breaker_invalid` of them within this time nothing is sent to Discord.",
            "within {0}",
        ),
        Row(
            "Node: look at the clock of the database, every",
            "timekeeper.FOLLOW_S",
            "The node's time is the database's again.",
        ),
        Row(
            "Such refusals of other nodes are looked at every",
            "sharing.SHARE_S",
            "The node takes over what all have counted.",
        ),
        Row(
            "Failed logins and cancelled waiting jobs are told to other nodes, at most every",
            "shared_throttle.SHARE_S",
            "The node learns how many all have counted.",
        ),
        Row(
            "Telling them that has failed is tried again after",
            "shared_throttle._AGAIN_S",
            "They are told as far as they still count.",
        ),
        Row(
            "Cancelled waiting jobs of a user are looked up, at most every",
            "shared_throttle._LOOK_S",
            "The next job that would wait asks the database.",
        ),
        Row(
            "Account that Discord refuses again and again, first and longest time aside",
            "sidelining.FIRST_SPAN sidelining.LONGEST_SPAN #sidelining.IN_A_ROW",
            "The account is tried again. The next refusal puts it aside for twice as long.",
            "{0} and {1}, after {2} refusals",
        ),
        Row(
            "Mail about the same refusal, at most one in",
            "sidelining.TOLD_AGAIN",
            "The same refusal is told again.",
        ),
        Row(
            "Links of pictures: wait for Discord to renew them",
            "links._WAIT_S",
            "The job is answered with its old links.",
        ),
        Row(
            "Account whose request to renew failed",
            "links._AGAIN_S",
            "The account may renew links again.",
        ),
        Row(
            "Link that Discord did not renew", "links._MISSED_S", "The link may be asked for again."
        ),
        Row(
            "Renewals of one account",
            "links.Links.__init__:timedelta #links.RENEWALS",
            "The job is answered with its old links.",
            "{1} within {0}",
        ),
        Row(
            "Link that ends soon counts as ended before its end",
            "signed_links._MARGIN",
            "Whoever reads the job gets a new link.",
            "{} before",
        ),
        Row(
            "Difference between this clock and Discord's, at most",
            "time._TOLERATED",
            "`/readyz` and the log warn.",
        ),
    ),
    "The connection to Discord's gateway": (
        Row("Opening", "connection._OPEN_LIMIT_S", "The connection is tried again."),
        Row("Wait for HELLO", "session.HELLO_LIMIT_S", "The connection is tried again."),
        Row(
            "Wait for READY or RESUMED",
            "session.LIVE_LIMIT_S",
            "The connection is tried again.",
        ),
        Row(
            "Pause between two tries: random, at most",
            "session.BACKOFF_CAP_S",
            "The connection is tried again. There is no last try.",
        ),
        Row(
            "Connection that lasts so long",
            "session.STABLE_S",
            "The pauses begin small again.",
        ),
        Row(
            "Pause between two IDENTIFYs of one Discord user, whatever happens to its account",
            "identifying.GAP",
            "The next IDENTIFY may be sent.",
        ),
        Row(
            "The same pause after many IDENTIFYs within a day",
            "identifying.LONG_GAP #identifying.FREE identifying.A_DAY",
            "The next IDENTIFY may be sent. Until then the account says for what it waits.",
            "{}, after {} within {}",
        ),
        Row(
            "Failed tries to resume a session",
            "#session.RESUME_TRIES",
            "The session is given up, and the next connection begins a new one.",
            "{}",
        ),
        Row(
            "Pause after Discord says that a client has too many sessions, at least",
            "session_rules._LONG_WAIT_S",
            "The connection is tried again ([other pauses](state/session.md)).",
        ),
        Row("Closing", "connection.CLOSE_WAIT_S", "The connection is cut off."),
        Row(
            "Read of the history that failed",
            "recovery._AGAIN_S",
            "The history is read again, until `blind_grace_s` has passed.",
        ),
        Row(
            "Read of the history: wait for other jobs that need it too",
            "recovery._GATHER_S",
            "The history is read once for all of them.",
        ),
        Row(
            "Pause between two reads of the history, first and longest",
            "recovery._PAUSE_S recovery._LONGEST_PAUSE_S",
            "The history may be read again.",
            "{0} and {1}",
        ),
        Row(
            "Pictures that a crash left before their job was accepted",
            "inputs.STAGED_AGE",
            "They are deleted; the next start deletes them at once.",
        ),
        Row(
            "Place in the stream of events is saved, at the latest after",
            "adapters.OwnerLimits.session_save_s",
            "A restart reads the stream from the saved place.",
        ),
    ),
    "Accounts and the process": (
        Row(
            "Right of this process to act for its accounts",
            "WAYSTATION_LEASE_S",
            "Another process may act for the account, unless this one has renewed the right.",
        ),
        Row(
            "End of that right: the last request to Discord is over so long before, or a tenth of "
            "the right before where that is less",
            "node._MARGIN_S",
            "The request is not made.",
        ),
        Row(
            "Right that the database did not give: wait until it is asked again",
            "node._BEGIN_AGAIN_S",
            "It is asked again.",
        ),
    ),
    "Several processes on PostgreSQL": (
        Row(
            "Time between two looks for new jobs, where nothing is told",
            "spreading.LOOK_S",
            "The next look begins.",
        ),
        Row(
            "Time between two looks for new jobs, where other processes tell",
            "spreading.LOOK_HEARD_S",
            "What other processes tell is looked at once.",
        ),
        Row(
            "Longest time between two looks at which process has which account, where nothing is "
            "told; else a third of the lease",
            "spreading._UNHEARD_S",
            "The next look begins. A move that is told is looked at once.",
        ),
        Row(
            "The same while accounts move from process to process",
            "spreading._MOVING_S",
            "The next look begins.",
        ),
        Row(
            "The same after the end of another process's lease, and after a look that failed",
            "spreading._JUST_AFTER_S spreading._AGAIN_S",
            "The next look begins.",
            "{0}; {1}",
        ),
        Row(
            "Wait until the process that has an account takes a command for it",
            "elsewhere.PATIENCE_S",
            "The command is taken back, and its caller is answered 503.",
        ),
        Row(
            "Command whose time is over, and process whose right to act is",
            "janitor._COMMANDS_KEPT",
            "Its row is deleted.",
        ),
        Row(
            "Time between two looks at what other processes are to know of an account; the same "
            "after an account has moved",
            "telling.LOOK_S telling._SOON_S",
            "What has changed is told.",
            "{0}; {1}",
        ),
        Row(
            "Wait of Discord's that other processes are told, at least; and a change of its end",
            "telling._SAME",
            "A shorter one is not told.",
        ),
        Row(
            "Time between two looks whether another process goes on with a database whose server "
            "has changed",
            "migrate._LOOK_S",
            "If none renews its right to act until all have ended, the database is a copy.",
        ),
        Row(
            "Wait of an upgrade for a table that others use; the same until it tries again",
            "migrate._TABLE_MS migrate._PAUSE_S",
            "Others pass, and the upgrade tries again, 15 times in all. Then it changes nothing.",
            "{0}; {1}",
        ),
        Row(
            "Work of that process on a command",
            "elsewhere._WORK_S",
            "The caller is answered 503. The command may have been done; repeating it is safe.",
        ),
        Row(
            "Time between two looks at a command, at its answer and at jobs that are waited for, "
            "where nothing is told",
            "elsewhere._LOOK_S serving.LOOK_S hearing._LOOK_S",
            "What other processes tell is looked at once.",
            "{0}",
        ),
        Row(
            "Time between two looks at jobs that are waited for, where other processes tell",
            "hearing._LOOK_TOLD_S",
            "What other processes tell is looked at once.",
        ),
        Row(
            "Time between two notes of a listening connection to itself",
            "listening.BEAT_S",
            "The next note is sent.",
        ),
        Row(
            "Note of a listening connection to itself that does not arrive",
            "listening._BEAT_WITHIN_S",
            "The connection is given up, and another one is made.",
        ),
        Row(
            "Connection for notes: until it is made",
            "listening._CONNECT_TIMEOUT_S",
            "It is tried again.",
        ),
        Row(
            "Note to other processes: until the database has it",
            "listening._TELL_TIMEOUT_S",
            "The note is lost; other processes look by themselves.",
        ),
        Row(
            "Last notes of a process that stops: until the database has them",
            "listening._FLUSH_TIMEOUT_S",
            "The notes are lost; other processes look by themselves.",
        ),
        Row(
            "Pauses before a new connection for notes, half of each by chance; the last repeats",
            "listening._AGAIN_S",
            "It is tried again. There is no last try.",
        ),
        Row(
            "Time in which notes are collected that are sent together",
            "listening._COLLECTED_S",
            "They are sent.",
        ),
    ),
    "The account's work and the process": (
        Row(
            "Pauses after an account's work broke off; the last repeats",
            "owner._RESTART_WAITS_S",
            "The work begins again. There is no last try.",
        ),
        Row(
            "Work of an account that lasts so long",
            "owner._STABLE_S",
            "The pauses begin small again.",
        ),
        Row(
            "Running jobs of a removed account",
            "pool.REMOVAL_GRACE",
            "The jobs fail with 502, and the account is erased.",
        ),
        Row(
            "Pauses after an account could not be erased; the last repeats",
            "pool._RETIRE_AGAIN_S",
            "Erasing is tried again. There is no last try.",
        ),
        Row(
            "Stop of the service, in all",
            "WAYSTATION_DRAIN_S",
            "Work under way is broken off; it goes on after the next start.",
        ),
        Row(
            "Spans that wait to be sent to a collector of traces: pause between two batches",
            "otlp._EVERY_S",
            "The next batch is sent.",
        ),
        Row(
            "Batch of spans, its further tries among it",
            "otlp._ANSWER_S",
            "The batch is lost, and counted for `traces.not_taken`.",
        ),
        Row(
            "Line `traces.not_taken` of the log, at most one in",
            "otlp._TOLD_EVERY_S",
            "The next line tells of all spans that were lost since.",
        ),
        Row(
            "Stop of the service: wait for spans to be sent, after all else",
            "otlp.FLUSH_S",
            "The spans are lost, and the log says `traces.not_flushed`.",
        ),
        Row(
            "Write to the database while another process writes",
            "database._BUSY_TIMEOUT_MS",
            "The write has failed; a caller is answered 503.",
        ),
        Row(
            "Message of the bot that Waystation did not understand",
            "WAYSTATION_UNRECOGNISED_DAYS commit.UNRECOGNISED_AGE",
            "The message is deleted.",
            "{0}, and no more can be set than {1}",
        ),
        Row(
            "Memory of messages that were seen",
            "commit.SEEN_AGE",
            "The memory is deleted.",
        ),
        Row(
            "Cancels of waiting jobs that count towards the limit of an hour",
            "waiting._HOUR",
            "The cancel counts no more.",
        ),
        Row(
            "Change that the same caller repeats",
            "audit.REPEATED_WITHIN",
            "The next such change is a new record.",
        ),
        Row(
            "Changes of a user that count towards the limit of a day",
            "audit.CHANGES_WITHIN",
            "The change counts no more.",
        ),
        Row(
            "Record of a change of a user, a token or an account",
            "audit.AUDIT_AGE",
            "The record is deleted; `waystation audit` no longer shows it.",
        ),
        Row(
            "Test write of `/readyz`, at most one in",
            "health._WRITES_EVERY_S",
            "The next `/readyz` writes again.",
        ),
        Row(
            "Longest sleep before the clock is looked at again",
            "clock._LOOK_AGAIN_S",
            "A wait goes on, or ends because the machine was suspended.",
        ),
        Row(
            "Step back of the wall clock at a start that is believed, at most",
            "clock._NEAR",
            "A larger step back is a wrong clock: the service's own time goes on from the last "
            "moment it has stored.",
        ),
        Row(
            "Service's own time is stored", "timekeeper._EVERY_S", "It is stored again.", "every {}"
        ),
        Row(
            "Unused memory is given back",
            "memory._TRIM_EVERY_S",
            "It is given back again.",
            "every {}, or 1000 times as long as the last time took",
        ),
    ),
    "Callbacks and mail": (
        Row(
            "Attempt of a callback",
            "WAYSTATION_CALLBACK_TIMEOUT_S",
            "The attempt has failed.",
        ),
        Row(
            "Pauses before the attempts of a callback, up to a tenth longer by chance",
            "callbacks.ATTEMPT_AFTER_S",
            "The callback is given up. The job stays readable.",
        ),
        Row(
            "Wait that a receiver asks for by `Retry-After`, at most",
            "callbacks.LONGEST_RETRY_AFTER_S",
            "The callback is tried again.",
        ),
        Row(
            "Receiver that fails, until it is disabled",
            "WAYSTATION_RECEIVER_PATIENCE_DAYS",
            "Nothing is sent to it. Mails tell of it after a fifth, three fifths and all of it.",
        ),
        Row(
            "Signing secret that was replaced",
            "deliveries.FORMER_SIGNS",
            "The newer secrets alone sign.",
        ),
        Row(
            "Pings, replays, and callbacks asked for again, of one user",
            "deliveries._HOUR",
            "The next one is 429. [SECURITY](../SECURITY.md) has the numbers.",
            "a number within {}",
        ),
        Row(
            "Body of a receiver's answer",
            "callbacks.ANSWER_WAIT_S",
            "The rest is not read; the status counts.",
        ),
        Row(
            "Pauses between tries to store an attempt",
            "callbacks.RECORD_AGAIN_S",
            "The callback is sent again later: a receiver may see it twice.",
        ),
        Row(
            "Look for callbacks and mails that are due, at the earliest and the latest",
            "due.SHORTEST_WAIT_S due.LONGEST_WAIT_S",
            "The database is asked again.",
            "{0} and {1}",
        ),
        Row(
            "Pauses after such a look failed; the last repeats",
            "due.BACKOFF_S",
            "The database is asked again. There is no last try.",
        ),
        Row(
            "Try to hand over a mail",
            "WAYSTATION_MAIL_TIMEOUT_S",
            "The try has failed.",
        ),
        Row(
            "Pauses after failed tries of a mail; the last repeats",
            "mail.MAIL_AGAIN_S",
            "The mail is tried again.",
        ),
        Row(
            "Pause while no mail server is set",
            "mail.UNCONFIGURED_AGAIN_S",
            "The mail is tried again.",
        ),
        Row("Mail in all", "mail.MAIL_KEPT", "The mail is given up, and the log says so."),
        Row("Start of copying after a job's end", "copying.COPY_AFTER", "Its files are copied."),
        Row(
            "One copy of a file",
            "copying._CLAIM",
            "The try has failed. As long a rest follows where copies have no room.",
        ),
        Row(
            "Tries to copy a file",
            "copying._AGAIN_S",
            "The file is tried again, nine times in all; then it is read from Discord only.",
        ),
        Row(
            "Looks after files that no job names",
            "copying._ROUND_S",
            "Such a file is removed.",
        ),
        Row(
            "Age of a file that a killed process has left",
            "copying._ORPHAN_AGE",
            "It is removed, at a start or once a day.",
        ),
    ),
    "Pictures of callers": (
        Row(
            "Fetching a picture",
            "WAYSTATION_FETCH_TIMEOUT_S",
            "The request is refused: 412 on describe, 400 elsewhere.",
        ),
        Row(
            "Idle connection to a host of pictures",
            "kept.KEPT_S",
            "The connection is closed; the next picture of the host gets a new one.",
        ),
    ),
    "Files of jobs": (
        Row(
            "Place for a file of a user, and then room for one that is cut",
            "serving.PLACE_WAIT_S",
            "The answer is 429.",
            "{} each",
        ),
        Row(
            "File whose link has ended: wait for others that are renewed with it",
            "links._GATHER_S",
            "The links are renewed, 50 at once.",
        ),
        Row("Connection to Discord's host of files", "media._CONNECT_TIMEOUT_S", "504."),
        Row("Silence of that host", "media._SILENCE_S", "504; a file that has begun is cut off."),
        Row(
            "Link that a user shares: unless chosen, and at most",
            "links.SHARE links.LONGEST_SHARE",
            "The link is answered with 410.",
            "{0} and {1}",
        ),
        Row(
            "File of a completed job in its reader's cache",
            "paths._KEPT_S",
            "The reader asks whether it is the same.",
        ),
    ),
    "The command line and the Python client": (
        Row("Answer of the service", "client.ANSWER_S", "The call fails."),
        Row("Connection to the service", "connection._CONNECT_S", "The call fails."),
        Row(
            "Silence before a command says what it waits for",
            "remote._AT_ONCE_S",
            "The command prints a line.",
        ),
        Row(
            "Pause between two looks at a job, first and longest",
            "client._FIRST_POLL_S client._LONGEST_POLL_S",
            "The job is read again.",
            "{0} and {1}",
        ),
        Row(
            "Looks at a job that fail one after the other",
            "#client._PATIENCE",
            "The wait fails. The job goes on.",
            "{}",
        ),
        Row(
            "Download of a picture, in all and without a byte",
            "client.Client.download.timeout_s connection._SILENT_S",
            "The download fails. The job stays completed.",
            "{0} and {1}",
        ),
        Row(
            "Download of an unfinished picture",
            "preview._WITHIN_S",
            "This preview is left out.",
        ),
        Row(
            "`doctor`: answer of Discord or of a mail server",
            "outside._TIMEOUT_S",
            "`doctor` reports that it does not answer.",
        ),
        Row(
            "`doctor`: a note of NOTIFY",
            "probe._HEARD_WITHIN_S",
            "`doctor` reports that none arrives.",
        ),
        Row(
            "`doctor`: answer of the service",
            "running._TIMEOUT_S",
            "`doctor` reports that no service answers.",
        ),
        Row(
            "`doctor`: silence of Discord, at most",
            "running.SILENT_S",
            "`doctor` warns.",
        ),
        Row(
            "`doctor`: difference between this clock and Discord's, at most",
            "outside._SKEW_S",
            "`doctor` warns.",
        ),
        Row(
            "`demo`: start and stop of a process",
            "processes._READY_WITHIN_S processes._STOPPED_WITHIN_S",
            "The demo fails.",
            "{0} and {1}",
        ),
        Row(
            "`callbacks ping`: answer of the receiver, and pause between two looks for it",
            "callbacks.PING_S callbacks._LOOK_EVERY_S",
            "The command fails.",
            "{0} and {1}",
        ),
        Row(
            "`demo`: a job, a callback and a mail",
            "stage._JOB_WITHIN_S acts._CALLBACK_WITHIN_S acts._MAIL_WITHIN_S",
            "The demo fails.",
            "{0}, {1} and {2}",
        ),
        Row(
            "`demo` with several nodes: an account's connection, a callback, and a second one that "
            "must not come",
            "takeover._SPREAD_WITHIN_S takeover._CALLBACK_WITHIN_S takeover._ONCE_S",
            "The demo fails.",
            "{0}, {1} and {2}",
        ),
        Row(
            "`demo` with several nodes: lease of a node, and pause between two looks",
            "takeover.LEASE_S takeover._LOOK_S",
            "Another node takes over; the next look begins.",
            "{0} and {1}",
        ),
    ),
}
"""Section → rows."""

DERIVED: Mapping[str, str] = {
    "callbacks.LONGEST_WAITS_S": "made of ATTEMPT_AFTER_S",
    "mail.MAIL_WAITS_S": "made of MAIL_AGAIN_S and UNCONFIGURED_AGAIN_S",
    "turns.IN_FLIGHT_S": "deadlines.IN_FLIGHT in seconds",
    "buckets._ROW_S": "the unit in which the breaker counts",
    "listening.started:sleep": "the pause between two looks whether the port is open, at the start",
    "columns._MICROSECOND": "a unit",
    "columns._MINUTE": "a unit",
    "links._DAY": "a unit",
    "paths.DAYS": "links.SHARE in days",
    "paths.LONGEST_DAYS": "links.LONGEST_SHARE in days",
    "postgresql._MOST_APART_S": "how far clocks may be apart, not how long anything waits",
    "quotas._DAY_S": "quotas._DAY in seconds",
    "nodes.span_of:timedelta": "a unit",
    "quotas._of_day:timedelta": "a unit",
    "timekeeper._QUICK_S": "an answer that took longer is not believed; nothing waits so long",
    "timekeeper._NOTED": "a step of a clock that the log tells, not how long anything waits",
    "tokens._HOUR": "as accounts._HOUR, and told with it",
    "lately._count:timedelta": "a unit",
    "lately._span:timedelta": "a unit",
    "deliveries._MICROSECOND": "a unit",
    "receivers.mail_of:timedelta": "a unit",
    "slots._insert:timedelta": "a unit",
    "snowflake.snowflake_at:timedelta": "a unit",
    "commits.sidelined_mail:timedelta": "a unit",
    "otlp.OtlpTraces._begun:timedelta": "a unit",
}
"""Place of a span that has no row → why."""

_HEAD = """\
# All retries and time limits

Made from the code by `make docs`; do not edit. A test reads the numbers from the code: constants,
defaults and settings that are named as spans of time, and numbers in calls that wait. It fails for
one of the service, the command line or the Python client that has no row here.

A name in small letters is a [setting](settings.md): you can change its number, and the table shows
the default. A name with a dot is a constant of the code. *At its end* says what happens when the
time is over or the last try has failed.
"""


def limits_page() -> str:
    """Return docs/limits.md. Raises: KeyError: a place that no span has."""
    parts = [_HEAD]
    for section, rows in ROWS.items():
        parts.append(
            f"\n## {section}\n\n| what | limit | name | at its end |\n| --- | --- | --- | --- |\n"
        )
        parts += [f"| {one.what} | {_limit(one)} | {_names(one)} | {one.end} |\n" for one in rows]
    return "".join(parts)


def _limit(row: Row) -> str:
    values = [_number(place) for place in row.places.split()]
    return (row.form or "{}").format(*values)


def _number(place: str) -> str:
    if place.startswith("#"):
        return str(constant(place[1:]))
    value = spans()[place]
    if place.endswith(":attempts"):
        return str(value)
    return spoken(value, place)


def _names(row: Row) -> str:
    names = (_name(place.removeprefix("#")) for place in row.places.split())
    return ", ".join(dict.fromkeys(names))


def _name(place: str) -> str:
    setting = place.removeprefix("WAYSTATION_")
    return f"`{setting.lower()}`" if setting != place else f"`{place.partition(':')[0]}`"


def spoken(value: Value, place: str = "") -> str:
    """Return a span in words: `5 s`, `10 min`, `24 h`, `31 days`."""
    if isinstance(value, tuple):
        return ", ".join(spoken(one) if one else "at once" for one in value)
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    else:
        units = {"DAYS": 86_400, "HOURS": 3600, "_MS": 0.001}
        unit = next((one for end, one in units.items() if place.endswith(end)), 1)
        seconds = value * unit
    for unit_s, name, least in ((86_400, "days", 2), (3600, "h", 1), (60, "min", 2)):
        if seconds >= least * unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g} {name}"
    return f"{seconds:g} s"
