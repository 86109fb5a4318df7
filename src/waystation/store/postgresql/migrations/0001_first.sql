-- The first schema on PostgreSQL: that of SQLite's migrations up to 0029. Times (`*_at`, `*_until`, `at`)
-- are whole microseconds since 1970-01-01 UTC, flags are 0 or 1, JSON is text.
-- Texts that are ordered or compared have the collation "C": by their bytes, as on SQLite.

create table meta (
  name text collate "C" primary key,
  value text not null
);

create table users (
  user_id bigint generated always as identity primary key,
  email text not null,
  created_at bigint not null,
  token_hash bytea not null,
  name text,
  reply_url text,
  expires_at bigint,
  revoked_at bigint,
  updated_at bigint,
  last_job_ms bigint not null default 0, -- the milliseconds of the newest jobid (R9)
  is_admin smallint not null default 0 check (is_admin in (0, 1)),
  feed_last bigint not null default 0,
  feed_purged bigint not null default 0, -- the greatest that went
  quotas text, -- JSON of `quotas.UserQuotas`; null: no limit
  day bigint not null default 0, -- since 1970, the one that was counted last
  day_jobs bigint not null default 0,
  queues smallint not null default 0 check (queues in (0, 1)),
  queue_weight bigint not null default 1 check (queue_weight between 1 and 100),
  queue_priority bigint not null default 3 check (queue_priority between 1 and 5)
);

-- Without regard to the case of ASCII letters, as on SQLite.
create unique index users_email on users (lower(email collate "C"));

create table accounts (
  account_id text collate "C" primary key,
  user_id bigint not null references users (user_id),
  discord_user_id text collate "C" not null unique,
  channel text collate "C" not null unique,
  guild_id text,
  max_jobs bigint not null check (max_jobs between 1 and 15),
  sealed_token bytea not null,
  masked_token text not null,
  created_at bigint not null,
  halt text,
  halted_at bigint,
  halt_cause text,
  reset_at bigint,
  reset_after text,
  removed_at bigint,
  epoch bigint not null default 0,
  holder text,
  lease_until bigint,
  trouble text,
  rests_until bigint, -- until when it is given no job of the queue
  jobs_a_day bigint check (jobs_a_day > 0), -- null: any number
  day bigint not null default 0,
  day_jobs bigint not null default 0,
  check ((halt is null) = (halted_at is null)),
  check ((holder is null) = (lease_until is null))
);

create index accounts_owner on accounts (user_id, created_at);

-- An account that was removed keeps its identity (R19).
create table former_accounts (
  account_id text collate "C" primary key,
  user_id bigint not null references users (user_id),
  discord_user_id text collate "C" not null,
  channel text collate "C" not null,
  created_at bigint not null,
  removed_at bigint not null,
  halt text,
  halted_at bigint,
  halt_cause text,
  reset_at bigint,
  reset_after text,
  trouble text,
  jobs_a_day bigint,
  day bigint not null default 0,
  day_jobs bigint not null default 0,
  unique (user_id, discord_user_id, channel)
);

-- Accounts that an admin has shared with users beside their owner (R32).
create table account_shares (
  account_id text collate "C" not null references accounts (account_id) on delete cascade,
  user_id bigint not null references users (user_id),
  since bigint not null,
  primary key (account_id, user_id)
);

create index account_shares_of_user on account_shares (user_id);

-- Users who may use an account.
create view account_users as
  select account_id, user_id from accounts union all select account_id, user_id from account_shares;

create table account_failings (
  account_id text collate "C" not null references accounts (account_id) on delete cascade,
  minute bigint not null, -- since 1970, of the service's own time
  number bigint not null,
  primary key (account_id, minute)
);

create table gateway_sessions (
  account_id text collate "C" primary key references accounts (account_id) on delete cascade,
  sealed bytea not null
);

-- account_id has no foreign key: jobs stay readable after their account is erased (R33).
create table jobs (
  jobid text collate "C" primary key,
  user_id bigint not null references users (user_id),
  account_id text collate "C" not null,
  channel text collate "C" not null,
  verb text collate "C" not null,
  status text collate "C" not null check (status in (
    'created', 'submitted', 'started', 'progress',
    'completed', 'moderated', 'failed', 'cancelled'
  )),
  created_at bigint not null,
  updated_at bigint not null,
  discord text not null,
  server text,
  params text,
  max_jobs bigint,
  reply_url text,
  reply_ref text,
  reply_progress smallint not null default 0 check (reply_progress in (0, 1)),
  slot smallint not null check (slot in (0, 1)),
  slot_until bigint,
  nonce text collate "C",
  submitted_at bigint,
  deadline_at bigint,
  interaction_id text collate "C",
  hash text collate "C",
  message_id text collate "C",
  messages text,
  timestamp text,
  content text,
  embeds text,
  attachments text,
  progress bigint check (progress between 0 and 100),
  flags bigint not null default 0,
  buttons text,
  result text,
  unclear smallint not null default 0 check (unclear in (0, 1)),
  source_hash text,
  pressed text,
  modal text,
  discord_user_id text collate "C",
  cancel_requested_at bigint,
  vanished_at bigint,
  finished_at bigint,
  ghost smallint not null check (ghost in (0, 1)),
  late text,
  code bigint not null,
  error text,
  error_details text,
  version bigint not null,
  asked_after text,
  wall_ahead bigint not null default 0, -- microseconds
  post_until bigint, -- until when the POST may tell its end; null: it is over (R4)
  queue_until bigint, -- until when it may wait; null: not of the queue
  result_message_id text collate "C", -- taken from `messages`, so that it can be unique
  parent_jobid text collate "C", -- taken from `params`, so that children are found
  once text collate "C", -- parent and button, where a second press is refused
  check ((status in ('completed', 'moderated', 'failed', 'cancelled')) = (finished_at is not null)),
  check (finished_at is not null or ghost = 0)
);

-- I1: a uuid or a result message belongs to at most one job.
create unique index jobs_hash on jobs (hash) where hash is not null;
create unique index jobs_result on jobs (result_message_id) where result_message_id is not null;
-- R12: a nonce is unique per account.
create unique index jobs_nonce on jobs (account_id, nonce) where nonce is not null;
-- I2: at most one ask per channel is submitted, unbound and not yet unclear (R15).
create unique index jobs_in_flight_ask on jobs (channel)
  where status = 'submitted'
  and interaction_id is null and message_id is null and hash is null and unclear = 0;
-- R38: U1 to U4 once per parent.
create unique index jobs_once on jobs (once) where once is not null;
create index jobs_children on jobs (parent_jobid) where parent_jobid is not null;
-- I8: the slots of a channel are the rows that hold one.
create index jobs_slots on jobs (channel, account_id) where slot <> 0;
create index jobs_running on jobs (user_id, created_at) where finished_at is null;
create index jobs_unfinished on jobs (account_id) where finished_at is null;
create index jobs_in_flight on jobs (account_id)
  where finished_at is null or ghost <> 0 or slot <> 0;
create index jobs_finished on jobs (finished_at) where finished_at is not null;
create index jobs_completed on jobs (account_id, verb, finished_at) where status = 'completed';
create index jobs_ghosts on jobs (channel, discord_user_id, finished_at) where ghost <> 0;
create index jobs_message on jobs (message_id, updated_at) where message_id is not null;

-- The slots that are taken, and when each should be free: a ghost gives its slot back then (R31), or a job
-- that runs ends then, if it takes as long as the last ten of its verb on its account.
create view slots_held as
  select
    user_id, account_id, channel, finished_at,
    coalesce(slot_until, submitted_at + trunc((
      select avg(finished_at - submitted_at) from (
        select finished_at, submitted_at from jobs as done
        where done.account_id = held.account_id and done.verb = held.verb
          and done.status = 'completed'
        order by done.finished_at desc limit 10
      ) as last
    ))::bigint) as free_at
  from jobs as held where slot <> 0;

-- I9: final is final.
create function jobs_final_stays() returns trigger language plpgsql as $$
begin
  raise exception 'a final job cannot change its status' using errcode = 'check_violation';
end $$;

create trigger jobs_final_stays before update of status, finished_at on jobs for each row
when (old.finished_at is not null and (
  new.status is distinct from old.status or new.finished_at is distinct from old.finished_at
))
execute function jobs_final_stays();

-- R20: a job with a known uuid never takes another.
create function jobs_hash_stays() returns trigger language plpgsql as $$
begin
  raise exception 'a job cannot take another hash' using errcode = 'check_violation';
end $$;

create trigger jobs_hash_stays before update of hash on jobs for each row
when (old.hash is not null and new.hash is distinct from old.hash)
execute function jobs_hash_stays();

-- How many jobs are where: the sum of a status is their number. Each change adds rows, so that no job
-- waits for another's; `purge_jobs` folds them.
create table job_counts (
  status text collate "C" not null,
  number bigint not null
);

create function jobs_counted() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    insert into job_counts values (old.status, -1);
  end if;
  if tg_op <> 'DELETE' then
    insert into job_counts values (new.status, 1);
  end if;
  return null;
end $$;

create trigger jobs_counted after insert or delete on jobs for each row
execute function jobs_counted();
create trigger jobs_counted_over after update of status on jobs for each row
when (new.status is distinct from old.status)
execute function jobs_counted();

-- kind has no CHECK: it is the name of a class of `jobs.py`, and new verbs bring new ones.
create table job_events (
  jobid text collate "C" not null references jobs (jobid) on delete cascade,
  number bigint not null,
  at bigint not null,
  kind text not null,
  body text not null,
  primary key (jobid, number)
);

-- All that a user is told of their jobs has one order (R37): a number per user, raised under the
-- user's row in the transaction of the event.
create table feed (
  user_id bigint not null,
  place bigint not null,
  jobid text collate "C" not null references jobs (jobid) on delete cascade,
  number bigint not null, -- of the job's event
  primary key (user_id, place)
);

create index feed_job on feed (jobid);

create function feed_purged() returns trigger language plpgsql as $$
begin
  update users set feed_purged = greatest(feed_purged, last.place)
  from (select user_id, max(place) as place from gone group by user_id) as last
  where users.user_id = last.user_id;
  return null;
end $$;

create trigger feed_purged after delete on feed referencing old table as gone for each statement
execute function feed_purged();

create table callbacks (
  callback_id text collate "C" primary key,
  jobid text collate "C" references jobs (jobid) on delete cascade, -- null: a ping
  user_id bigint not null,
  url text collate "C" not null,
  body bytea not null,
  created_at bigint not null,
  next_attempt_at bigint not null, -- a claim moves it to its own end
  attempts bigint not null default 0,
  earlier bigint not null default 0, -- attempts made before it was last asked for again
  status text collate "C" not null default 'pending'
    check (status in ('pending', 'delivered', 'given_up', 'superseded', 'disabled')),
  is_final smallint not null default 1 check (is_final in (0, 1)),
  sequence bigint not null default 0 -- number of the job's event that it tells (R37)
);

create index callbacks_due on callbacks (next_attempt_at) where status = 'pending';
create index callbacks_of_job on callbacks (jobid);
create index callbacks_of_user on callbacks (user_id, status, created_at, callback_id);
create index callbacks_pings on callbacks (created_at) where jobid is null;
-- I9: one final callback per job and URL.
create unique index callbacks_final on callbacks (jobid, url) where is_final <> 0;
-- R41: what is still owed of a job and URL is one at most.
create unique index callbacks_owed on callbacks (jobid, url) where status = 'pending';

create table callback_attempts (
  callback_id text collate "C" not null references callbacks (callback_id) on delete cascade,
  number bigint not null,
  at bigint not null,
  status bigint,
  reason text,
  duration_s double precision not null,
  primary key (callback_id, number)
);

-- What users have asked for lately, where there is a limit per hour.
create table asked_lately (
  user_id bigint not null,
  kind text not null,
  at bigint not null
);

create index asked_lately_of_user on asked_lately (user_id, kind, at);

create table signing_secrets (
  secret_id text collate "C" primary key,
  user_id bigint not null references users (user_id),
  sealed bytea not null,
  made_at bigint not null,
  ends_at bigint -- null: the newest of its user
);

create unique index signing_secrets_newest on signing_secrets (user_id) where ends_at is null;
create index signing_secrets_of_user on signing_secrets (user_id);

-- Receivers that take no callbacks, since when, and whether they are disabled.
create table receivers (
  user_id bigint not null references users (user_id),
  place text collate "C" not null, -- scheme, host and port; or the URL that has answered 410
  failing_since bigint not null,
  failed_at bigint not null,
  reason text not null,
  is_gone smallint not null check (is_gone in (0, 1)),
  told bigint not null,
  told_at bigint,
  disabled_at bigint,
  primary key (user_id, place)
);

create index receivers_disabled on receivers (user_id, place) where disabled_at is not null;
create index receivers_failed on receivers (failed_at);

create table mails (
  mail_id text collate "C" primary key,
  recipient text not null,
  subject text not null,
  body text not null,
  created_at bigint not null,
  next_attempt_at bigint not null, -- a claim moves it to its own end
  attempts bigint not null default 0,
  status text collate "C" not null default 'pending'
    check (status in ('pending', 'sent', 'given_up'))
);

create index mails_due on mails (next_attempt_at) where status = 'pending';

create table unrecognised (
  account_id text collate "C" not null,
  message_id text collate "C" not null,
  at bigint not null,
  payload bytea not null,
  primary key (account_id, message_id)
);

create index unrecognised_age on unrecognised (account_id, at);

-- What a conversation knows beside its jobs, of a Discord user in a channel (R19, R20).
create table seen_messages (
  number bigint generated always as identity primary key,
  discord_user_id text collate "C" not null,
  channel text collate "C" not null,
  kind text collate "C" not null,
  id text collate "C" not null,
  at bigint not null,
  body bytea not null,
  unique (discord_user_id, channel, kind, id)
);

create index seen_messages_order on seen_messages (discord_user_id, channel, number);
create index seen_messages_age on seen_messages (at);

-- What an accepted job needs to be asked, sealed, until it was asked or has ended. Large pictures are
-- written before their job; until then `jobid` is null.
create table job_inputs (
  input_id text collate "C" primary key,
  user_id bigint not null references users (user_id),
  jobid text collate "C" unique references jobs (jobid) on delete cascade,
  bytes bigint not null check (bytes >= 0), -- of its pictures, before they were sealed
  at bigint not null,
  plan bytea not null
);

create index job_inputs_owner on job_inputs (user_id, bytes);

create table job_input_parts (
  input_id text collate "C" not null references job_inputs (input_id) on delete cascade,
  number bigint not null,
  sealed bytea not null check (length(sealed) <= 1048576),
  primary key (input_id, number)
);

-- Changes of users, tokens and accounts: who made which, and when.
create table audit (
  number bigint generated always as identity primary key,
  at bigint not null,
  by text not null,
  action text not null,
  user_id bigint not null,
  channel text,
  details text
);

create index audit_of_user on audit (user_id, number);

-- The caller's search. A job is found by its number, `user_id << 42 | milliseconds of the jobid`: the
-- jobs of one user lie together, oldest first.
create table job_finds (
  number bigint primary key,
  jobid text collate "C" not null
);

create table job_texts (
  number bigint primary key,
  prompt text collate "C" not null -- case folded
);

-- The Idempotency-Key of a request that made a job (R11): written in the job's own transaction.
create table idempotency_keys (
  user_id bigint not null references users (user_id),
  route text collate "C" not null,
  key text collate "C" not null,
  jobid text collate "C" not null references jobs (jobid) on delete cascade,
  digest bytea not null, -- of the request
  at bigint not null,
  primary key (user_id, route, key)
);

create index idempotency_keys_job on idempotency_keys (jobid);
create index idempotency_keys_age on idempotency_keys (at);

-- One row per job of the queue until the job has ended; `waiting` while no account has it.
create table queue (
  number bigint generated always as identity primary key,
  jobid text collate "C" not null unique references jobs (jobid) on delete cascade,
  user_id bigint not null references users (user_id),
  priority bigint not null check (priority between 1 and 5),
  account_id text collate "C", -- the only one that may take it; null: any that its user may use
  takes_slot smallint not null check (takes_slot in (0, 1)),
  max_jobs bigint, -- of the request
  mode text, -- the one that the account must be in
  not_before bigint not null default 0,
  waiting smallint not null check (waiting in (0, 1))
);

create index queue_waiting on queue (user_id, priority desc, number) where waiting <> 0;
create index queue_pinned on queue (account_id) where waiting <> 0;

-- The last turn of each user on an account, by class of priority.
create table queue_turns (
  account_id text collate "C" not null,
  priority bigint not null,
  user_id bigint not null references users (user_id),
  number bigint not null,
  began double precision not null,
  ends double precision not null,
  primary key (account_id, priority, user_id)
);

-- Another one after a restore, as places given after the backup are given again (R37).
insert into meta (name, value)
values ('feed_era', left(replace(gen_random_uuid()::text, '-', ''), 8));
