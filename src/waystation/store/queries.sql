-- Statements that are the same on both databases. A header line `-- name: what it does` starts one; the
-- name is the key in each database's `queries()`. {job_columns} and the like come from `rows.py`;
-- {clock} is the database's own clock, or `:clock` where the database is within the process.

-- user_by_id: one user
select {user_columns} from users where user_id = :user_id;

-- all_users: every user, by id
select {user_columns} from users order by user_id;

-- insert_user: a new user; the id counts up and is never used again
insert into users (email, created_at, token_hash, updated_at)
values (:email, :at, :token_hash, :at) returning user_id;

-- change_user: the columns that `:writes_…` name; the others stay as they are now (R44)
update users set {user_changes}
where user_id = :user_id;

-- user_day: a user's limits, and the jobs of the day that was counted last
select quotas, day, day_jobs from users where user_id = :user_id;

-- running_with_slot: the jobids of a user that are not final and took a slot, up to a limit
select jobid from jobs where user_id = :user_id and finished_at is null and max_jobs is not null
order by created_at, jobid limit :limit;

-- account_day: an account's limit, and the jobs of the day that was counted last
select channel, jobs_a_day, day, day_jobs from accounts where account_id = :account_id;

-- account_by_id: one account
select {account_columns} from accounts where account_id = :account_id;

-- all_accounts: every account, oldest first
select {account_columns} from accounts order by created_at, account_id;

-- busy_accounts: those with unfinished jobs
select account_id from accounts
where exists (select 1 from jobs where jobs.account_id = accounts.account_id and finished_at is null);

-- accounts_of_user: one user's accounts and those that are shared with them, oldest first (R32)
select {account_columns} from accounts
where user_id = :user_id
  or account_id in (select account_id from account_shares where user_id = :user_id)
order by created_at, account_id;

-- account_in: the account of a channel, of anyone
select {account_columns} from accounts where channel = :channel and removed_at is null;

-- share_account: let a user use an account, once
insert into account_shares (account_id, user_id, since) values (:account_id, :user_id, :since)
on conflict do nothing;

-- unshare_account: no more
delete from account_shares where account_id = :account_id and user_id = :user_id;

-- account_shares: what is shared with whom
select channel, users.user_id, email, since
from account_shares join accounts using (account_id)
join users on users.user_id = account_shares.user_id
order by channel, users.user_id;

-- account_twin: another row with the same Discord user or channel (R32)
select account_id from accounts
where account_id <> :account_id and (discord_user_id = :discord_user_id or channel = :channel);

-- set_account_up: what a caller sets; null leaves a token and a limit; a removal is taken back
update accounts set
  guild_id = :guild_id, max_jobs = coalesce(:max_jobs, max_jobs),
  sealed_token = coalesce(:sealed_token, sealed_token),
  masked_token = coalesce(:masked_token, masked_token), removed_at = null
where account_id = :account_id and user_id = :user_id and discord_user_id = :discord_user_id
  and channel = :channel;

-- remove_account: mark it, once
update accounts set removed_at = coalesce(removed_at, :at) where account_id = :account_id;

-- account_is_idle: whether an account is removed and nothing runs on it any more (I7)
select 1 from accounts
where account_id = :account_id and removed_at is not null and not exists (
  select 1 from jobs where jobs.account_id = :account_id and finished_at is null
);

-- erase_account: delete an account's row, token and session
delete from accounts where account_id = :account_id returning epoch, user_id;

-- keep_account: take a removal back
update accounts set removed_at = null where account_id = :account_id;

-- account_of_identity: the account of a user's Discord user in a channel, removed ones too (R19)
select account_id from accounts
where user_id = :user_id and discord_user_id = :discord_user_id and channel = :channel
union all
select account_id from former_accounts
where user_id = :user_id and discord_user_id = :discord_user_id and channel = :channel
limit 1;

-- remember_account: keep an account's identity and halt, without its secrets
insert into former_accounts (
  account_id, user_id, discord_user_id, channel, created_at, removed_at, halt, halted_at,
  halt_cause, reset_at, reset_after, trouble, jobs_a_day, day, day_jobs
)
select
  account_id, user_id, discord_user_id, channel, created_at, removed_at, halt, halted_at,
  halt_cause, reset_at, reset_after, trouble, jobs_a_day, day, day_jobs
from accounts where account_id = :account_id;

-- recall_account: give an account that is added again what was remembered of it
update accounts set (
  created_at, halt, halted_at, halt_cause, reset_at, reset_after, trouble, jobs_a_day, day, day_jobs
) = (
  select created_at, halt, halted_at, halt_cause, reset_at, reset_after, trouble, jobs_a_day, day,
    day_jobs
  from former_accounts
  where former_accounts.account_id = accounts.account_id
)
where account_id = :account_id
  and exists (select 1 from former_accounts where account_id = :account_id);

-- forget_account: it is an account again
delete from former_accounts where account_id = :account_id;

-- raise_epochs: lift every account
update accounts set epoch = :epoch;

-- begin_node: a run of a process, with a lease; {clock} is the database's own, or the service's
insert into nodes (node_id, name, began_at, lease_until, keys)
values (:node_id, :name, {clock}, {clock} + :length, :keys);

-- renew_node: a lease that has not ended
update nodes set lease_until = {clock} + :length where node_id = :node_id and lease_until > {clock};

-- leave_node: end a node; its accounts are free
delete from nodes where node_id = :node_id;

-- drop_lapsed_node: the same of one whose lease has ended
delete from nodes where node_id = :node_id and lease_until <= {clock};

-- end_nodes: nobody holds anything
delete from nodes;

-- live_nodes: nodes whose lease runs, and for how many microseconds
select node_id, lease_until - {clock} from nodes where lease_until > {clock} order by node_id;

-- nodes_with_keys: the same, for people
select node_id, name, lease_until - {clock},
  (select count(*) from assignments where assignments.node_id = nodes.node_id), keys
from nodes where lease_until > {clock} order by name, node_id;

-- owners: every account, and the node whose lease runs that has it
select accounts.account_id, nodes.node_id from accounts
left join assignments on assignments.account_id = accounts.account_id
left join nodes on nodes.node_id = assignments.node_id and nodes.lease_until > {clock}
order by accounts.account_id;

-- assignment: the node that has an account, whether its lease runs or not
select node_id, epoch from assignments where account_id = :account_id;

-- unsent_jobs: jobs that were not asked yet, of the accounts that a node has, the oldest first
select {job_columns} from jobs
where finished_at is null and status = 'created'
  and account_id in (select account_id from assignments where node_id = :node_id)
  and (created_at, jobid) > (:after_at, :after_id)
order by created_at, jobid limit :limit;

-- next_epoch: one more holder of an account
update accounts set epoch = epoch + 1 where account_id = :account_id returning epoch;

-- keep_node: hold a node whose lease runs as it is, until the end of the transaction
update nodes set name = name where node_id = :node_id and lease_until > {clock};

-- assign: give an account to a node
insert into assignments (account_id, node_id, epoch) values (:account_id, :node_id, :epoch)
on conflict (account_id) do update set node_id = excluded.node_id, epoch = excluded.epoch;

-- let_go: give back what was taken under an epoch
delete from assignments
where account_id = :account_id and node_id = :node_id and epoch = :epoch;

-- tell_account: what its node tells of an account
update assignments set told = :told, told_epoch = :epoch, waits_until = :waits_until
where account_id = :account_id and node_id = :node_id and epoch = :epoch;

-- told_account: what the node of an account has told of it
select told from assignments join nodes on nodes.node_id = assignments.node_id
where account_id = :account_id and told_epoch = epoch and lease_until > {clock};

-- told_accounts: the same of all accounts that a user may use
select assignments.account_id, told from account_users
join assignments on assignments.account_id = account_users.account_id
join nodes on nodes.node_id = assignments.node_id
where account_users.user_id = :user_id and told_epoch = epoch and lease_until > {clock};

-- told_waits: of those that Discord asks to wait
select assignments.account_id, told from account_users
join assignments on assignments.account_id = account_users.account_id
join nodes on nodes.node_id = assignments.node_id
where account_users.user_id = :user_id and told_epoch = epoch and lease_until > {clock}
  and waits_until > :at;

-- purge_nodes: those whose lease ended long ago
delete from nodes where lease_until <= {clock} - :age;

-- add_command: a deed for the node that has an account
insert into commands (command_id, account_id, kind, body, status, ends_at)
values (:command_id, :account_id, :kind, :body, 'waiting', {clock} + :life);

-- commands_of_owner: the user of an account, and how many commands live for accounts of that user
select accounts.user_id, (
  select count(*) from commands join accounts as own on own.account_id = commands.account_id
  where own.user_id = accounts.user_id and commands.ends_at > {clock} - :work
)
from accounts where accounts.account_id = :account_id;

-- drop_command: its answer is wanted no more
delete from commands where command_id = :command_id;

-- take_commands: those for the accounts of a node whose lease runs, the oldest first; those too that
-- a node has taken whose lease has ended, since a deed done twice does what it does once
update commands set status = 'taken', node_id = :node_id
where status in ('waiting', 'taken') and command_id in (
  select command_id from commands
  join assignments on assignments.account_id = commands.account_id
  join nodes on nodes.node_id = assignments.node_id
  where ends_at > {clock} and assignments.node_id = :node_id and lease_until > {clock} and (
    status = 'waiting' or status = 'taken' and not exists (
      select 1 from nodes as taker
      where taker.node_id = commands.node_id and taker.lease_until > {clock}
    )
  )
  order by ends_at, command_id limit :limit
)
returning command_id, account_id, kind, body, ends_at;

-- answer_command: what came of it
update commands set status = 'done', answer = :answer
where command_id = :command_id and node_id = :node_id and status = 'taken';

-- withdraw_command: nobody may take it any more
update commands set status = 'withdrawn' where command_id = :command_id and status = 'waiting';

-- command: how far it is
select status, answer from commands where command_id = :command_id;

-- commands_waiting: how many no node has taken
select count(*) from commands where status = 'waiting' and ends_at > {clock};

-- purge_commands: those that ended long ago
delete from commands where ends_at <= {clock} - :age;

-- session: the sealed gateway session
select sealed from gateway_sessions where account_id = :account_id;

-- save_session: keep the sealed gateway session
insert into gateway_sessions (account_id, sealed) values (:account_id, :sealed)
on conflict (account_id) do update set sealed = excluded.sealed;

-- identifies_after: the IDENTIFYs of a Discord user, oldest first
select at from identifies where discord_user_id = :discord_user_id and at > :after order by at;

-- account_of_discord_user: the account of a Discord user
select account_id from accounts where discord_user_id = :discord_user_id;

-- add_identify: one more, unless there is a newer one than the caller knows of
insert into identifies (discord_user_id, at) select :discord_user_id, :at where not exists (
  select 1 from identifies where discord_user_id = :discord_user_id and at > :newest
) on conflict do nothing;

-- drop_identifies: those that count no more, of every Discord user
delete from identifies where at <= :until;

-- tally_slices: the slices of a key that count, oldest first
select slice, number, {clock} from tallies
where kind = :kind and key = :key and slice > {clock} - :span order by slice;

-- give_tally_back: one event less in the newest slice of a key
update tallies set number = number - 1
where kind = :kind and key = :key and number > 0
  and slice = (select max(slice) from tallies where kind = :kind and key = :key and number > 0);

-- drop_tallies: those of a kind that count no more
delete from tallies where kind = :kind and slice <= {clock} - :span;

-- queue_row: a job of the queue
select user_id, priority, takes_slot, max_jobs from queue where jobid = :jobid;

-- insert_queue: a job of the queue
insert into queue (jobid, user_id, priority, account_id, takes_slot, max_jobs, mode, waiting)
values (:jobid, :user_id, :priority, :account_id, :takes_slot, :max_jobs, :mode, :waiting);

-- grant_job: give a job that waits to an account, if nobody changed it in between
update jobs set
  account_id = :account_id, channel = :channel, discord = :discord, server = :server,
  discord_user_id = :discord_user_id, max_jobs = :max_jobs, slot = :slot,
  deadline_at = :deadline_at, updated_at = :updated_at, version = :version
where jobid = :jobid and version = :expected and account_id = '';

-- queue_put_back: it waits again
update queue set waiting = 1, not_before = :not_before where jobid = :jobid;

-- rest_account: let an account be given no job of the queue for a while
update accounts set rests_until = :until where account_id = :account_id;

-- take_job_away: no account has it
update jobs set account_id = '', max_jobs = null where jobid = :jobid;

-- drop_queue: it has ended
delete from queue where jobid = :jobid;

-- queue_turns: the last turns on an account in a class
select user_id, number, began, ends from queue_turns
where account_id = :account_id and priority = :priority;

-- put_queue_turn: the last turn of a user
insert into queue_turns (account_id, priority, user_id, number, began, ends)
values (:account_id, :priority, :user_id, :number, :began, :ends)
on conflict (account_id, priority, user_id)
do update set number = excluded.number, began = excluded.began, ends = excluded.ends;

-- queue_weight: a user's share of the turns
select queue_weight from users where user_id = :user_id;

-- first_free_slot: when the first slot of an account should be free
select min(free_at) from slots_held where channel = :channel and account_id = :account_id;

-- first_end: when the first of a user's jobs with a slot should end
select min(free_at) from slots_held where user_id = :user_id and finished_at is null;

-- lane_holders: the caller's own unfinished jobs without a slot on an account, oldest first
select jobid from jobs where account_id = :account_id
  and finished_at is null and max_jobs is null and user_id = :user_id
order by created_at, jobid;

-- once_holder: the job that has pressed this button of this parent already (R38)
select jobid from jobs where once = :once;

-- insert_job: a new job
insert into jobs ({job_columns}) values ({job_values});

-- key_holder: the job of an earlier request with a key, and of what request; not one that Discord
-- refused with 429, which gives the key back (R11)
select jobid, digest from idempotency_keys join jobs using (jobid)
where idempotency_keys.user_id = :user_id and route = :route and key = :key and at > :after
  and not (status = 'failed' and code = 429);

-- purge_keys: those that are too old to stand for anything
delete from idempotency_keys where at <= :before;

-- insert_inputs: the beginning of a job's inputs; without a jobid while they are being written
insert into job_inputs (input_id, user_id, jobid, bytes, at, plan)
values (:input_id, :user_id, :jobid, :bytes, :at, :plan);

-- insert_input_part: a piece of them
insert into job_input_parts (input_id, number, sealed) values (:input_id, :number, :sealed);

-- take_inputs_over: give them to their job
update job_inputs set jobid = :jobid where input_id = :input_id and jobid is null;

-- drop_inputs: give up what no job took over; its pieces go along
delete from job_inputs where input_id = :input_id and jobid is null;

-- drop_job_inputs: the job was asked, or has ended
delete from job_inputs where jobid = :jobid;

-- inputs_of_job: what a job needs to be asked
select input_id, plan, bytes from job_inputs where jobid = :jobid;

-- input_part: a piece of it
select sealed from job_input_parts where input_id = :input_id and number = :number;

-- insert_event: one numbered event
insert into job_events (jobid, number, at, kind, body)
values (:jobid, :number, :at, :kind, :body);

-- delete_find: a job that is gone
delete from job_finds where number = :number;

-- jobs_below: jobs by id, the newest first, with what they were asked
select jobid, params from jobs where jobid < :below order by jobid desc limit :limit;

-- find_floor: the number at which a window of jobs ends
select number from job_finds where number >= :least and number < :below
order by number desc limit 1 offset :window;

-- job: one job of anyone
select {job_columns} from jobs where jobid = :jobid;

-- job_version: how often a job changed, and whether it has children; of this user, or of anyone; a
-- foreign one is absent (I13)
select version, exists (select 1 from jobs as child where child.parent_jobid = jobs.jobid)
from jobs where jobid = :jobid and user_id = coalesce(:user_id, user_id);

-- running_jobs: the jobids of a user that are not final, oldest first
select jobid from jobs where user_id = :user_id and finished_at is null
order by created_at, jobid;

-- last_shown: the job that a message has shown last; several presses edit one message (R21)
select {job_columns} from jobs where message_id = :message_id
order by updated_at desc, created_at desc limit 1;

-- orphaned_jobs: not final, and nobody holds a live lease on the account
select {job_columns} from jobs
where finished_at is null and account_id <> '' and not exists (
  select 1 from assignments join nodes on nodes.node_id = assignments.node_id
  where assignments.account_id = jobs.account_id and lease_until > {clock}
)
order by created_at, jobid;

-- events_after: a job's events from a number on
select number, kind, body from job_events where jobid = :jobid and number > :number
order by number;

-- feed_state: the era, the greatest place that went, and the last that was given
select (select value from meta where name = 'feed_era'), feed_purged, feed_last
from users where user_id = :user_id;

-- feed_after: what a user is told after a place
select place, feed.jobid, kind, body from feed
left join job_events on job_events.jobid = feed.jobid and job_events.number = feed.number
where user_id = :user_id and place > :place order by place limit :limit;

-- account_state: what a change must agree with
select epoch, halt, removed_at, reset_at, reset_after, sealed_token from accounts
where account_id = :account_id;

-- halt_account: stop an account
update accounts set halt = :text, halted_at = :at, halt_cause = :cause
where account_id = :account_id;

-- forget_failings: those that count no more
delete from account_failings where account_id = :account_id and minute <= :since;

-- insert_mail: one e-mail that must go out
insert into mails (
  mail_id, recipient, subject, body, created_at, next_attempt_at, attempts
) values (
  :mail_id, :to, :subject, :body, :created_at, :next_attempt_at, :attempts
);

-- insert_unrecognised: keep a bot message once
insert into unrecognised (account_id, message_id, at, payload)
values (:account_id, :message_id, :at, :payload)
on conflict do nothing;

-- unsee: forget it
delete from seen_messages where kind = :kind and id = :id and (discord_user_id, channel) = (
  select discord_user_id, channel from accounts where account_id = :account_id
);

-- seen_messages: what a conversation of an account knows, also what an earlier account of the same
-- Discord user in the same channel has seen (R19), oldest first
select kind, id, body from seen_messages
where at >= :after and (discord_user_id, channel) = (
  select discord_user_id, channel from accounts where account_id = :account_id
)
order by number;

-- purge_seen: drop what is too old to decide anything (R20)
delete from seen_messages where at < :before;

-- newest_unrecognised: kept bot messages, newest first
select message_id, payload from unrecognised order by at desc, message_id desc limit :limit;

-- purge_unrecognised: drop kept bot messages that are too old
delete from unrecognised where at < :before;

-- insert_callback: an obligation
insert into callbacks ({callback_columns}) values ({callback_values});

-- bound_callbacks: what would wait longer than after so many tries waits no longer than that (R28)
update callbacks set next_attempt_at = :latest
where status = 'pending' and next_attempt_at > :latest
  and attempts - earlier between :least and :most;

-- bound_mails: likewise
update mails set next_attempt_at = :latest
where status = 'pending' and next_attempt_at > :latest and attempts between :least and :most;

-- close_attempt: how an attempt ended; a success counts even when another attempt was first
update callbacks set
  attempts = attempts + 1, status = :status, next_attempt_at = coalesce(:next_at, next_attempt_at)
where callback_id = :callback_id and status = 'pending'
  and (attempts = :attempts or :status = 'delivered')
returning attempts;

-- insert_attempt: one numbered attempt
insert into callback_attempts (callback_id, number, at, status, reason, duration_s)
values (:callback_id, :number, :at, :status, :reason, :duration_s);

-- delivery: one callback of this user
select {delivery_columns} from callbacks where callback_id = :callback_id and user_id = :user_id;

-- attempts: how those of a callback ended, in their order
select number, at, status, reason, duration_s from callback_attempts
where callback_id = :callback_id order by number;

-- deliveries: a user's callbacks with a status, older than a place, newest first
select {delivery_columns} from callbacks
where user_id = :user_id and status = :status
  and (created_at, callback_id) < (:created_at, :callback_id)
order by created_at desc, callback_id desc limit :limit;

-- deliveries_of_job: likewise those of a job, with a status where one is named
select {delivery_columns} from callbacks
where jobid = :jobid and user_id = :user_id and status = coalesce(:status, status)
  and (created_at, callback_id) < (:created_at, :callback_id)
order by created_at desc, callback_id desc limit :limit;

-- purge_pings: tests of receivers that are over
delete from callbacks where jobid is null and created_at < :before and status <> 'pending';

-- asked_since: how often a user has asked for something since a moment
select count(*) from asked_lately where user_id = :user_id and kind = :kind and at > :since;

-- note_asked: once more
insert into asked_lately (user_id, kind, at) values (:user_id, :kind, :at);

-- purge_asked: what counts no more
delete from asked_lately where at <= :since;

-- receiver: how a receiver of a user fails, if it does
select {receiver_columns} from receivers where user_id = :user_id and place = :place;

-- forget_receivers: the receiver of a URL, and the URL itself, work
delete from receivers where user_id = :user_id and place in (:place, :url);

-- any_disabled: whether any receiver is disabled at all
select exists (select 1 from receivers where disabled_at is not null);

-- is_disabled: whether nothing is sent to a URL
select exists (
  select 1 from receivers
  where user_id = :user_id and place in (:place, :url) and disabled_at is not null
);

-- receivers: those of a user that fail, the last failure first
select {receiver_columns} from receivers where user_id = :user_id
order by failed_at desc, place limit :limit;

-- disable_callback: one that is not sent, because its receiver is disabled
update callbacks set status = 'disabled' where callback_id = :callback_id;

-- email_of: where mails to a user go
select email from users where user_id = :user_id;

-- callbacks_of_job: a job's callbacks
select {callback_columns} from callbacks where jobid = :jobid order by created_at, callback_id;

-- signing_secrets: those of a user that sign at a moment, the newest first
select {signing_columns} from signing_secrets
where user_id = :user_id and (ends_at is null or ends_at > :at)
order by ends_at is null desc, ends_at desc, secret_id;

-- end_signing_secret: the newest of a user signs until a moment
update signing_secrets set ends_at = :ends_at where user_id = :user_id and ends_at is null;

-- insert_signing_secret: a new one
insert into signing_secrets ({signing_columns}) values ({signing_values});

-- purge_signing_secrets: those that sign nothing any more
delete from signing_secrets where ends_at <= :at;

-- media_key: the key that signs the links of a user
select {media_key_columns} from media_keys where user_id = :user_id;

-- add_media_key: a user's first key
insert into media_keys ({media_key_columns}) values ({media_key_values})
on conflict do nothing;

-- put_media_key: a key in the place of any other
insert into media_keys ({media_key_columns}) values ({media_key_values})
on conflict (user_id) do update set sealed = excluded.sealed, made_at = excluded.made_at;

-- want_copy: a file of a job is to be copied; another file in its place is copied anew
insert into copies (jobid, number, attachment_id, next_attempt_at)
values (:jobid, :number, :attachment_id, :at)
on conflict (jobid, number) do update set
  attachment_id = excluded.attachment_id, name = null, attempts = 0,
  next_attempt_at = excluded.next_attempt_at
where copies.attachment_id <> excluded.attachment_id;

-- next_copy_due: the first copy that waits
select min(next_attempt_at) from copies where next_attempt_at is not null;

-- keep_file: a file lies on the shelf, unless one with the same bytes does
insert into kept_files (name, digest, size) values (:name, :digest, :size) on conflict do nothing;

-- file_of_digest: the file with these bytes
select name from kept_files where digest = :digest;

-- keep_copy: the copy of a job's file is there
update copies set name = :name, next_attempt_at = null
where jobid = :jobid and number = :number and attachment_id = :attachment_id;

-- put_off_copy: a try has failed
update copies set attempts = attempts + 1, next_attempt_at = :next_at
where jobid = :jobid and number = :number and attachment_id = :attachment_id
  and attempts = :attempts and name is null;

-- rest_copies: nothing is due before a moment
update copies set next_attempt_at = :until where next_attempt_at < :until;

-- resume_copies: what was not tried yet is due; whoever has claimed it may be gone
update copies set next_attempt_at = :at where next_attempt_at > :at and attempts = 0;

-- copy_of: the copy of a job's file, and whether a picture cut of it is kept
select name, size, (
  select kept_cuts.size from kept_cuts where kept_cuts.name = kept_files.name and cut = :cut
)
from copies join kept_files using (name)
where jobid = :jobid and number = :number and attachment_id = :attachment_id;

-- keep_cut: a picture that was cut of a file, once, as long as the file is kept
insert into kept_cuts (name, cut, size) select name, :cut, :size from kept_files where name = :name
on conflict do nothing;

-- add_cut_size: how much room it takes
update kept_files set cuts_size = cuts_size + :size where name = :name;

-- want_again: the copies of a file that is not there are due
update copies set name = null, next_attempt_at = :at where name = :name;

-- forget_file: a file is not kept
delete from kept_files where name = :name;

-- let_go_copies: forget the copies of the oldest jobs
update copies set name = null where (jobid, number) in (
  select jobid, number from copies where name is not null order by jobid, number limit :limit
);

-- known_file: whether a file is kept
select name from kept_files where name = :name;

-- kept_totals: what is kept, and how much waits
select coalesce(sum(size + cuts_size), 0), count(*),
  (select count(*) from copies where next_attempt_at is not null)
from kept_files;

-- close_mail: how sending it ended
update mails set
  attempts = attempts + 1, status = :status, next_attempt_at = coalesce(:next_at, next_attempt_at)
where mail_id = :mail_id and status = 'pending' and (attempts = :attempts or :status = 'sent');

-- purge_mails: mails that are done with
delete from mails where status <> 'pending' and created_at < :before;

-- insert_audit: a change of a user, a token or an account
insert into audit (at, by, action, user_id, channel, details, last_at)
values (:at, :by, :action, :user_id, :channel, :details, :at);

-- repeat_audit: the same change again, of which there is an entry since a moment
update audit set times = times + 1, last_at = :at, details = :details
where number = (
  select max(number) from audit
  where user_id = :user_id and by = :by and at > :since and action = :action
  and coalesce(channel, '') = coalesce(:channel, '')
);

-- audit_entry_before: the moment of the newest entry but so many that a user has made
select at from audit where user_id = :user_id and by = :by and at > :since
order by at desc limit 1 offset :newer;

-- owner_of_account: whose an account is, and its channel
select user_id, channel from accounts where account_id = :account_id;

-- audit_entries: the newest changes
select {audit_columns} from audit order by number desc limit :limit;

-- audit_entries_of_user: the newest changes that concern one user
select {audit_columns} from audit where user_id = :user_id order by number desc limit :limit;

-- purge_audit: changes of long ago
delete from audit where at < :before;

-- meta: one value of the installation
select value from meta where name = :name;

-- put_meta: keep one value of the installation
insert into meta (name, value) values (:name, :value)
on conflict (name) do update set value = excluded.value;

-- add_meta: keep one value of the installation unless there is one
insert into meta (name, value) values (:name, :value) on conflict (name) do nothing;

-- drop_meta: forget one value of the installation
delete from meta where name = :name;

-- sealed_rows: whether anything depends on the vault's keys
select exists (select 1 from accounts) or exists (select 1 from users);
