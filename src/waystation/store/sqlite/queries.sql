-- Every statement of the SQLite store. A header line `-- name: what it does` starts a query; the
-- name is the key in `database.queries()`. {job_columns} and the like come from `rows.py`.

-- begin: a transaction that becomes a read transaction with its first query
begin;

-- commit: its end
commit;

-- user_by_id: one user
select {user_columns} from users where user_id = :user_id;

-- user_by_email: whether an e-mail is taken, without regard to case
select user_id from users where email = :email;

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

-- count_account_day: one more job of an account that has a limit
update accounts set day_jobs = iif(day = :day, day_jobs, 0) + 1, day = :day
where account_id = :account_id and jobs_a_day is not null;

-- uncount_account_day: one job less of an account's day, on which the job was taken
update accounts set day_jobs = day_jobs - 1
where account_id = :account_id and jobs_a_day is not null and day_jobs > 0
  and exists (select 1 from queue where jobid = :jobid and takes_slot)
  and day = coalesce(
    (select max(at) from job_events where jobid = :jobid and kind = 'Granted'),
    (select created_at from jobs where jobid = :jobid)
  ) / 86400000000;

-- limit_account: how many jobs it takes a day, 0: any number, and how many slots it has; null: as before
update accounts set
  jobs_a_day = iif(:jobs_a_day is null, jobs_a_day, nullif(:jobs_a_day, 0)),
  max_jobs = coalesce(:max_jobs, max_jobs)
where account_id = :account_id;

-- next_job_ms: milliseconds for a new jobid, unique per user (R9); none for a user who may not ask
-- any more; one more job of its day, if it counts
update users set last_job_ms = max(:now_ms, last_job_ms + 1),
  day_jobs = iif(day = :day, day_jobs, 0) + :counts, day = :day
where user_id = :user_id and revoked_at is null
  and (expires_at is null or expires_at > :now_ms * 1000)
returning last_job_ms;

-- account_by_id: one account
select {account_columns} from accounts where account_id = :account_id;

-- all_accounts: every account, oldest first
select {account_columns} from accounts order by created_at, account_id;

-- accounts_version: a number that every change of the accounts that a user may use raises (triggers)
select accounts_version from users where user_id = :user_id;

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

-- insert_account: a new account, above every epoch issued before
insert into accounts (
  account_id, user_id, discord_user_id, channel, guild_id, max_jobs, sealed_token, masked_token,
  created_at, epoch
) values (
  :account_id, :user_id, :discord_user_id, :channel, :guild_id, :max_jobs, :sealed_token,
  :masked_token, :at, coalesce((select value from meta where name = 'epoch_floor'), 0)
);

-- set_account_up: what a caller sets; null leaves a token and a limit; a removal is taken back
update accounts set
  guild_id = :guild_id, max_jobs = coalesce(:max_jobs, max_jobs),
  sealed_token = coalesce(:sealed_token, sealed_token),
  masked_token = coalesce(:masked_token, masked_token), removed_at = null
where account_id = :account_id and user_id = :user_id and discord_user_id = :discord_user_id
  and channel = :channel;

-- lift_token_halt: a new token is the mend for one that was rejected (R33)
update accounts set
  halt = null, halted_at = null, halt_cause = null, reset_at = max(:at, coalesce(reset_at, 0))
where account_id = :account_id and halt_cause = 'token';

-- reset_account: lift the halt and remember when; time never goes back
update accounts set trouble = null,
  halt = null, halted_at = null, halt_cause = null, reset_at = max(:at, coalesce(reset_at, 0)),
  reset_after = coalesce(:seen, reset_after)
where account_id = :account_id;

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

-- trim_former_accounts: a user's newest stay, and those of which Midjourney may still run something
delete from former_accounts where account_id in (
  select account_id from former_accounts where user_id = :user_id
  order by removed_at desc, account_id limit -1 offset :keep
) and not exists (
  select 1 from jobs where jobs.account_id = former_accounts.account_id
  and (finished_at is null or ghost or slot)
);

-- purge_former_accounts: those whose jobs are gone
delete from former_accounts where removed_at < :before and not exists (
  select 1 from jobs where jobs.account_id = former_accounts.account_id
  and (finished_at is null or ghost or slot)
);

-- release_slots: what ghosts held whose account is gone, so that nobody watches them (R31)
update jobs set slot = 0, slot_until = null
where slot and finished_at is not null and slot_until <= :at and not exists (
  select 1 from accounts where accounts.account_id = jobs.account_id
  or (accounts.channel = jobs.channel and accounts.discord_user_id = jobs.discord_user_id)
);

-- lift_epoch_floor: remember the largest epoch of an account that goes
insert into meta (name, value) values ('epoch_floor', :epoch)
on conflict (name) do update set value = max(value, excluded.value);

-- lease: who holds an account
select holder, lease_until, epoch from accounts where account_id = :account_id;

-- take_lease: write a claim
update accounts set holder = :holder, lease_until = :until, epoch = :epoch
where account_id = :account_id;

-- release_lease: give back one's own lease
update accounts set holder = null, lease_until = null
where account_id = :account_id and holder = :holder;

-- void_leases: nobody holds anything
update accounts set holder = null, lease_until = null where holder is not null;

-- largest_epoch: over the accounts and those that are gone
select max(
  coalesce((select max(epoch) from accounts), 0),
  coalesce((select value from meta where name = 'epoch_floor'), 0)
);

-- raise_epochs: lift every account and void its lease
update accounts set epoch = :epoch, holder = null, lease_until = null;

-- session: the sealed gateway session
select sealed from gateway_sessions where account_id = :account_id;

-- save_session: keep the sealed gateway session
insert into gateway_sessions (account_id, sealed) values (:account_id, :sealed)
on conflict (account_id) do update set sealed = excluded.sealed;

-- identifies_after: the IDENTIFYs of a Discord user, oldest first
select at from identifies where discord_user_id = :discord_user_id and at > :after order by at;

-- add_identify: one more
insert into identifies (discord_user_id, at) values (:discord_user_id, :at) on conflict do nothing;

-- drop_identifies: those that count no more, of every Discord user
delete from identifies where at <= :until;

-- room: what decides whether an account that this user may use can take one more job (R32)
select
  user_id, channel, guild_id, max_jobs, masked_token, discord_user_id, halt, removed_at,
  rests_until, jobs_a_day, day, day_jobs,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and max_jobs is null)
from accounts where account_id = :account_id and exists (
  select 1 from account_users
  where account_users.account_id = accounts.account_id and account_users.user_id = :user_id
);

-- queue_room: the same of an account of anybody
select
  user_id, channel, guild_id, max_jobs, masked_token, discord_user_id, halt, removed_at,
  rests_until, jobs_a_day, day, day_jobs,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and max_jobs is null)
from accounts where account_id = :account_id;

-- queue_users: the users of an account of whom jobs wait and who may ask still, and how many they may
-- have at once
select user_id, quotas ->> '$.jobsAtOnce' from account_users join users using (user_id)
where account_users.account_id = :account_id
  and revoked_at is null and (expires_at is null or expires_at > :wall)
  and exists (select 1 from queue where waiting and queue.user_id = users.user_id);

-- queue_head: the first waiting job of a user that an account could take now; where uploads wait, none
-- with a picture: the mask of a press is not uploaded
select jobid, user_id, priority, number from queue
where waiting and user_id = :user_id
  and (account_id = :account_id or (account_id is null and not :passed_over))
  and not_before <= :at and (mode is null or mode = :mode)
  and not (:uploads_wait and exists (
    select 1 from job_inputs join jobs on jobs.jobid = job_inputs.jobid
    where job_inputs.jobid = queue.jobid and bytes > 0 and parent_jobid is null
  ))
  and iif(takes_slot,
    :may_take_slots and min(coalesce(max_jobs, :max_jobs), :max_jobs) > :slots, :lane > :in_lane)
order by priority desc, number limit 1;

-- queue_row: a job of the queue
select user_id, priority, takes_slot, max_jobs from queue where jobid = :jobid;

-- insert_queue: a job of the queue
insert into queue (jobid, user_id, priority, account_id, takes_slot, max_jobs, mode, waiting)
values (:jobid, :user_id, :priority, :account_id, :takes_slot, :max_jobs, :mode, :waiting);

-- count_waiting: how many jobs of a user wait
select count(*) from queue where waiting and user_id = :user_id;

-- queue_granted: an account has it
update queue set waiting = 0 where jobid = :jobid and waiting;

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

-- is_waiting: whether a job waits
select 1 from queue where jobid = :jobid and waiting;

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

-- queue_accounts: the accounts that waiting jobs may use
select account_id from accounts where halt is null and removed_at is null and exists (
  select 1 from account_users join queue using (user_id)
  where account_users.account_id = accounts.account_id and waiting
    and (queue.account_id is null or queue.account_id = accounts.account_id)
);

-- queue_wants: whether a waiting job may use an account
select exists (
  select 1 from account_users join queue using (user_id)
  where account_users.account_id = :account_id and waiting
    and (queue.account_id is null or queue.account_id = :account_id)
);

-- queue_wants_mode: whether a waiting job needs a mode
select exists (select 1 from queue where waiting and mode is not null);

-- queued_jobs: those that have waited until a moment as long as they may; null: all
select {job_columns} from jobs where jobid in (select jobid from queue where waiting)
  and (:until is null or queue_until <= :until)
order by created_at, jobid;

-- queue_moments: when something changes by time alone
select min(moment) from (
  select min(not_before) as moment from queue where waiting and not_before > :at
  union all
  select min(queue_until) from jobs where jobid in (select jobid from queue where waiting)
  union all
  select min(rests_until) from accounts where rests_until > :at
);

-- queue_place: a job that waits, and those of its user before it
select
  priority, not_before, queue_until, queue.user_id, queue.account_id, takes_slot, queue.max_jobs,
  mode, verb, queue_weight, quotas ->> '$.jobsAtOnce',
  revoked_at is not null, coalesce(expires_at <= :wall, 0),
  parent_jobid is null
    and exists (select 1 from job_inputs where job_inputs.jobid = queue.jobid and bytes > 0),
  (select count(*) from queue as own where own.waiting and own.user_id = queue.user_id
    and own.priority = queue.priority and own.number < queue.number
    and (own.account_id is null or queue.account_id is null or own.account_id = queue.account_id))
from queue join jobs using (jobid) join users on users.user_id = queue.user_id
where jobid = :jobid and waiting;

-- queue_rivals: how many jobs wait of each user who may use an account of a job's, by class; those alone
-- that such an account may take, of users who may ask still
with own as (
  select account_id from account_users
  where user_id = :user_id and (:account_id is null or account_id = :account_id)
)
select user_id, priority, queue_weight, count(*) from queue join users using (user_id)
where waiting and priority >= :priority
  and revoked_at is null and (expires_at is null or expires_at > :wall)
  and user_id in (select user_id from account_users where account_id in (select account_id from own))
  and (queue.account_id is null or queue.account_id in (select account_id from own))
group by user_id, priority;

-- queue_choices: the accounts that may take a job, as full as they are
select
  account_id, channel, max_jobs, halt, accounts.user_id, trouble, rests_until,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and jobs.max_jobs is null)
from accounts join account_users using (account_id)
where account_users.user_id = :user_id and removed_at is null
  and (:account_id is null or account_id = :account_id)
order by created_at, account_id;

-- usual_span: how long an account's last jobs of a verb took
select avg(finished_at - submitted_at) from (
  select finished_at, submitted_at from jobs
  where account_id = :account_id and verb = :verb and status = 'completed'
  order by finished_at desc limit :limit
);

-- slot_holders: the caller's own unfinished jobs that hold a slot of an account (R8, R31)
select jobid from jobs where channel = :channel and slot and account_id = :account_id
  and user_id = :user_id and finished_at is null
order by created_at, jobid;

-- first_free_slot: when the first slot of an account should be free
select min(free_at) from slots_held where channel = :channel and account_id = :account_id;

-- first_end: when the first of a user's jobs with a slot should end
select min(free_at) from slots_held where user_id = :user_id and finished_at is null;

-- first_free_slot_of_user: when the first slot of a few accounts that a user may use should be free
select min(free_at) from (
  select account_id, channel from account_users join accounts using (account_id)
  where account_users.user_id = :user_id and (:account_id is null or account_id = :account_id)
    and halt is null and removed_at is null
  limit :limit
) as own join slots_held using (channel, account_id);

-- lane_holders: the caller's own unfinished jobs without a slot on an account, oldest first
select jobid from jobs where account_id = :account_id
  and finished_at is null and max_jobs is null and user_id = :user_id
order by created_at, jobid;

-- once_holder: the job that has pressed this button of this parent already (R38)
select jobid from jobs where once = :once;

-- children: the jobs that a job's buttons started, oldest first
select params ->> '$.button', jobid, message_id from jobs
where parent_jobid = :jobid and params ->> '$.button' is not null
order by created_at, jobid;

-- insert_job: a new job
insert into jobs ({job_columns}) values ({job_values});

-- key_holder: the job of an earlier request with a key, and of what request; not one that Discord
-- refused with 429, which gives the key back (R11)
select jobid, digest from idempotency_keys join jobs using (jobid)
where idempotency_keys.user_id = :user_id and route = :route and key = :key and at > :after
  and not (status = 'failed' and code = 429);

-- take_key: give it to a new job; a row that holds it no longer goes
insert or replace into idempotency_keys (user_id, route, key, jobid, digest, at)
values (:user_id, :route, :key, :jobid, :digest, :at);

-- purge_keys: those that are too old to stand for anything
delete from idempotency_keys where at <= :before;

-- waiting_bytes: what a user's pictures take that wait to be sent
select coalesce(sum(bytes), 0) from job_inputs where user_id = :user_id;

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

-- sweep_inputs: what a crash has left before there was a job
delete from job_inputs where jobid is null and at < coalesce(:before, at + 1);

-- inputs_of_job: what a job needs to be asked
select input_id, plan, bytes from job_inputs where jobid = :jobid;

-- input_part: a piece of it
select sealed from job_input_parts where input_id = :input_id and number = :number;

-- update_job: a job's new state, if nobody changed it in between
update jobs set {job_changes}
where jobid = :jobid and version = :expected and (account_id = :account_id or (
  ghost and (discord_user_id, channel) = (
    select discord_user_id, channel from accounts where account_id = :account_id
  )
));

-- insert_event: one numbered event
insert into job_events (jobid, number, at, kind, body)
values (:jobid, :number, :at, :kind, :body);

-- insert_find: make a job findable, once
insert into job_finds (number, jobid) values (:number, :jobid) on conflict do nothing;

-- insert_text: the folded prompt of a job
insert into job_texts (rowid, prompt) values (:number, :prompt);

-- delete_find: a job that is gone
delete from job_finds where number = :number;

-- delete_text: its prompt
delete from job_texts where rowid = :number;

-- jobs_below: jobs by id, the newest first, with what they were asked
select jobid, params from jobs where jobid < :below order by jobid desc limit :limit;

-- find_floor: the number at which a window of jobs ends
select number from job_finds where number >= :least and number < :below
order by number desc limit 1 offset :window;

-- count_texts: how many prompts have three characters in a row, up to a limit
select count(*) from (
  select 1 from job_texts
  where job_texts match :match and rowid >= :least and rowid < :below limit :limit
);

-- find_jobs: jobs of a range of numbers, the newest first
select {found_columns} from job_finds cross join jobs on jobs.jobid = job_finds.jobid
where number >= :least and number < :below
  and (:statuses is null or status in (select value from json_each(:statuses)))
  and (:verb is null or verb = :verb) and (:channel is null or channel = :channel)
order by number desc limit :limit;

-- find_texts: the same of jobs that hold a text in their prompt
select {found_columns} from job_texts
cross join job_finds on job_finds.number = job_texts.rowid
cross join jobs on jobs.jobid = job_finds.jobid
where job_texts match :match and job_texts.rowid >= :least and job_texts.rowid < :below
  and (:statuses is null or status in (select value from json_each(:statuses)))
  and (:verb is null or verb = :verb) and (:channel is null or channel = :channel)
  and says(params ->> '$.prompt', :text)
order by job_texts.rowid desc limit :limit;

-- job: one job of anyone
select {job_columns} from jobs where jobid = :jobid;

-- job_version: how often a job changed, and whether it has children; of this user, or of anyone; a
-- foreign one is absent (I13)
select version, exists (select 1 from jobs as child where child.parent_jobid = jobs.jobid)
from jobs where jobid = :jobid and user_id = coalesce(:user_id, user_id);

-- running_jobs: the jobids of a user that are not final, oldest first
select jobid from jobs where user_id = :user_id and finished_at is null
order by created_at, jobid;

-- last_completed: an account's newest completed job of some verbs
select {job_columns} from jobs
where jobid in (
  select (
    select jobid from jobs
    where account_id = :account_id and verb = wanted.value and status = 'completed'
    order by finished_at desc limit 1
  )
  from json_each(:verbs) as wanted
)
order by finished_at desc limit 1;

-- last_shown: the job that a message has shown last; several presses edit one message (R21)
select {job_columns} from jobs where message_id = :message_id
order by updated_at desc, created_at desc limit 1;

-- in_flight_jobs: not final, slot holders, and ghosts that are still candidates, also those that the
-- same Discord user has left in the same channel under another account of the installation (R19)
select {job_columns} from jobs
where account_id = :account_id and (finished_at is null or ghost or slot)
  and (finished_at is null or slot or finished_at > :ghosts_after)
union all
select {job_columns} from jobs
where ghost and finished_at > :ghosts_after and account_id <> :account_id
  and (channel, discord_user_id) = (
    select channel, discord_user_id from accounts where account_id = :account_id
  )
order by created_at, jobid;

-- orphaned_jobs: not final, and nobody holds a live lease on the account
select {job_columns} from jobs
where finished_at is null and account_id <> '' and not exists (
  select 1 from accounts
  where accounts.account_id = jobs.account_id and lease_until > :now
)
order by created_at, jobid;

-- events_after: a job's events from a number on
select number, kind, body from job_events where jobid = :jobid and number > :number
order by number;

-- raise_feed: the next places in a user's feed
update users set feed_last = feed_last + :count where user_id = :user_id returning feed_last;

-- insert_feed: an event at its place
insert into feed (user_id, place, jobid, number) values (:user_id, :place, :jobid, :number);

-- feed_state: the era, the greatest place that went, and the last that was given
select (select value from meta where name = 'feed_era'), feed_purged, feed_last
from users where user_id = :user_id;

-- feed_after: what a user is told after a place
select place, feed.jobid, kind, body from feed
join job_events on job_events.jobid = feed.jobid and job_events.number = feed.number
where user_id = :user_id and place > :place order by place limit :limit;

-- begin_feed_era: places of before mean nothing
update meta set value = lower(hex(randomblob(4))) where name = 'feed_era';

-- account_state: what a change must agree with
select epoch, halt, removed_at, reset_at, reset_after, sealed_token from accounts
where account_id = :account_id;

-- halt_account: stop an account
update accounts set halt = :text, halted_at = :at, halt_cause = :cause
where account_id = :account_id;

-- note_failing: one more job of an account has failed in this minute; nothing where the account is gone
insert into account_failings (account_id, minute, number)
select account_id, :minute, 1 from accounts where account_id = :account_id
on conflict (account_id, minute) do update set number = number + 1;

-- forget_failings: those that count no more
delete from account_failings where account_id = :account_id and minute <= :since;

-- failings: how many jobs of an account have failed since a minute
select coalesce(sum(number), 0) from account_failings
where account_id = :account_id and minute > :since;

-- change_trouble: what Discord refused lately, unless a reset came in between (R50)
update accounts set trouble = :after where account_id = :account_id and trouble is :before;

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

-- trim_unrecognised: the newest of an account stay, and none that is too old (R24)
delete from unrecognised
where account_id = :account_id and (at < :before or message_id in (
  select message_id from unrecognised where account_id = :account_id
  order by at desc, message_id desc limit -1 offset :keep
));

-- see: keep what a conversation knows; what changes keeps its place
insert into seen_messages (discord_user_id, channel, kind, id, at, body)
select discord_user_id, channel, :kind, :id, :at, :body from accounts
where account_id = :account_id
on conflict (discord_user_id, channel, kind, id)
do update set at = excluded.at, body = excluded.body;

-- unsee: forget it
delete from seen_messages where kind = :kind and id = :id and (discord_user_id, channel) = (
  select discord_user_id, channel from accounts where account_id = :account_id
);

-- trim_seen: the newest of an account stay (R20)
delete from seen_messages where number in (
  select number from seen_messages
  where (discord_user_id, channel) = (
    select discord_user_id, channel from accounts where account_id = :account_id
  )
  order by number desc limit -1 offset :keep
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

-- supersede_callbacks: progress that is not delivered yet never will be (R41)
update callbacks set status = 'superseded'
where jobid = :jobid and url = :url and status = 'pending' and not is_final;

-- insert_callback: an obligation
insert into callbacks ({callback_columns}) values ({callback_values});

-- claim_callbacks: due ones, first attempts before repeats; one per job and URL is pending (R41)
update callbacks set next_attempt_at = :until
where callback_id in (
  select callback_id from callbacks where status = 'pending' and next_attempt_at <= :at
  order by attempts > 0, next_attempt_at, callback_id limit :limit
)
returning {callback_columns};

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

-- trim_attempts: the newest of a callback stay
delete from callback_attempts where callback_id = :callback_id and number <= :number - :keep;

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

-- missing: ends of a user's jobs with a status that nobody has taken since a moment, newer than a
-- place, oldest first; those that are due soon are on their way
select {delivery_columns} from callbacks
where user_id = :user_id and status = :status and created_at >= :since
  and (created_at, callback_id) > (:created_at, :callback_id)
  and is_final and (status <> 'pending' or next_attempt_at > :soon)
order by created_at, callback_id limit :limit;

-- redeliver: an end is due again now, with all its attempts; one that is due soon is on its way
update callbacks set status = 'pending', earlier = attempts, next_attempt_at = :at
where callback_id = :callback_id and user_id = :user_id and is_final
  and (status <> 'pending' or next_attempt_at > :soon);

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

-- put_receiver: how it fails now
insert or replace into receivers ({receiver_columns}) values ({receiver_values});

-- trim_receivers: those of a user that failed last stay
delete from receivers where user_id = :user_id and place in (
  select place from receivers where user_id = :user_id
  order by failed_at desc, place limit -1 offset :keep
);

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

-- purge_receivers: those that failed long ago; the disabled stay so, but for single URLs
delete from receivers where failed_at < :before and (disabled_at is null or is_gone);

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

-- claim_mails: due ones, oldest first
update mails set next_attempt_at = :until
where mail_id in (
  select mail_id from mails where status = 'pending' and next_attempt_at <= :at
  order by next_attempt_at, mail_id limit :limit
)
returning mail_id, recipient, subject, body, created_at, next_attempt_at, attempts;

-- close_mail: how sending it ended
update mails set
  attempts = attempts + 1, status = :status, next_attempt_at = coalesce(:next_at, next_attempt_at)
where mail_id = :mail_id and status = 'pending' and (attempts = :attempts or :status = 'sent');

-- next_due: the first callback or mail that waits
select min(due) from (
  select min(next_attempt_at) as due from callbacks where status = 'pending'
  union all
  select min(next_attempt_at) from mails where status = 'pending'
);

-- jobs_after: a page of all jobs, oldest first, of one user or of all
select {job_columns} from jobs
where jobid > :after and (:user_id is null or user_id = :user_id)
order by jobid limit :limit;

-- purge_jobs: final jobs without open callbacks, oldest first; events and attempts go along (R40)
delete from jobs where jobid in (
  select jobid from jobs
  where finished_at is not null and finished_at < :before
    and not slot and (not ghost or finished_at < :ghosts_before)
    and not exists (
      select 1 from callbacks where callbacks.jobid = jobs.jobid and status = 'pending'
    )
  order by finished_at limit :limit
)
returning jobid;

-- purge_mails: mails that are done with
delete from mails where status <> 'pending' and created_at < :before;

-- insert_audit: a change of a user, a token or an account
insert into audit (at, by, action, user_id, channel, details)
values (:at, :by, :action, :user_id, :channel, :details);

-- owner_of_account: whose an account is, and its channel
select user_id, channel from accounts where account_id = :account_id;

-- audit_entries: the newest changes
select {audit_columns} from audit order by number desc limit :limit;

-- audit_entries_of_user: the newest changes that concern one user
select {audit_columns} from audit where user_id = :user_id order by number desc limit :limit;

-- purge_audit: changes of long ago
delete from audit where at < :before;

-- jobs_by_status: how many jobs are where
select status, number from job_counts where number > 0;

-- totals: the other numbers of metrics
select
  (select count(*) from callbacks where status = 'pending'),
  (select count(*) from mails where status = 'pending'),
  (select count(*) from accounts where removed_at is null),
  (select count(*) from accounts where removed_at is null and halt is not null),
  (select count(*) from unrecognised),
  -- not from the POST on: a job may have waited in the queue for hours
  (select min(coalesce(submitted_at, updated_at)) from jobs
    where finished_at is null and account_id <> ''),
  (select min(coalesce(submitted_at, updated_at)) from jobs where slot),
  (select min(created_at) from callbacks where status = 'pending'),
  (select min(created_at) from jobs where jobid in (select jobid from queue where waiting)),
  (select count(*) from queue where waiting);

-- meta: one value of the installation
select value from meta where name = :name;

-- put_meta: keep one value of the installation
insert into meta (name, value) values (:name, :value)
on conflict (name) do update set value = excluded.value;

-- drop_meta: forget one value of the installation
delete from meta where name = :name;

-- sealed_rows: whether anything depends on the vault's keys
select exists (select 1 from accounts) or exists (select 1 from users);
