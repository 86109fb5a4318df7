-- The first schema. Times (`*_at`, `*_until`) are whole microseconds since 1970-01-01 UTC.
-- Every job, account and delivery has one owner from here on (R32).

create table meta (
  name text primary key,
  value any not null
) strict, without rowid;

create table users (
  user_id integer primary key autoincrement,
  email text not null unique collate nocase,
  created_at integer not null,
  token_hash blob not null,
  name text,
  reply_url text,
  expires_at integer,
  revoked_at integer,
  updated_at integer,
  last_job_ms integer not null default 0 -- the milliseconds of the newest jobid (R9)
) strict;

create table accounts (
  account_id text primary key,
  user_id integer not null references users (user_id),
  discord_user_id text not null unique,
  channel text not null unique,
  guild_id text,
  max_jobs integer not null check (max_jobs between 1 and 15),
  sealed_token blob not null,
  masked_token text not null,
  created_at integer not null,
  halt text,
  halted_at integer,
  reset_at integer,
  removed_at integer,
  epoch integer not null default 0,
  holder text,
  lease_until integer,
  check ((halt is null) = (halted_at is null)),
  check ((holder is null) = (lease_until is null))
) strict, without rowid;

create index accounts_owner on accounts (user_id, created_at);

create table gateway_sessions (
  account_id text primary key references accounts (account_id) on delete cascade,
  sealed blob not null
) strict, without rowid;

-- account_id has no foreign key: jobs stay readable after their account is erased (R33).
create table jobs (
  jobid text primary key,
  user_id integer not null references users (user_id),
  account_id text not null,
  channel text not null,
  verb text not null,
  status text not null check (status in (
    'created', 'submitted', 'started', 'progress',
    'completed', 'moderated', 'failed', 'cancelled'
  )),
  created_at integer not null,
  updated_at integer not null,
  discord text not null,
  params text,
  max_jobs integer,
  reply_url text,
  reply_ref text,
  slot integer not null check (slot in (0, 1)),
  slot_until integer,
  nonce text,
  submitted_at integer,
  deadline_at integer,
  interaction_id text,
  hash text,
  message_id text,
  messages text,
  timestamp text,
  content text,
  embeds text,
  attachments text,
  progress integer check (progress between 0 and 100),
  cancel_requested_at integer,
  vanished_at integer,
  finished_at integer,
  ghost integer not null check (ghost in (0, 1)),
  late text,
  code integer not null,
  error text,
  error_details text,
  version integer not null,
  result_message_id text, -- taken from `messages`, so that it can be unique
  check ((status in ('completed', 'moderated', 'failed', 'cancelled')) = (finished_at is not null)),
  check (finished_at is not null or not ghost)
) strict;

-- I1: a uuid or a result message belongs to at most one job.
create unique index jobs_hash on jobs (hash) where hash is not null;
create unique index jobs_result on jobs (result_message_id) where result_message_id is not null;
-- R12: a nonce is unique per account.
create unique index jobs_nonce on jobs (account_id, nonce) where nonce is not null;
-- I2: at most one unbound job per channel.
create unique index jobs_unbound on jobs (channel)
  where status = 'submitted'
  and interaction_id is null and message_id is null and hash is null;
-- I8: the slots of a channel are the rows that hold one.
create index jobs_slots on jobs (channel) where slot;
create index jobs_running on jobs (user_id, created_at) where finished_at is null;
create index jobs_in_flight on jobs (account_id) where finished_at is null or ghost or slot;
create index jobs_finished on jobs (finished_at) where finished_at is not null;
create index jobs_status on jobs (status);

-- I9: final is final.
create trigger jobs_final_stays before update of status, finished_at on jobs
when old.finished_at is not null
  and (new.status is not old.status or new.finished_at is not old.finished_at)
begin
  select raise(abort, 'a final job cannot change its status');
end;

-- R20: a job with a known uuid never takes another.
create trigger jobs_hash_stays before update of hash on jobs
when old.hash is not null and new.hash is not old.hash
begin
  select raise(abort, 'a job cannot take another hash');
end;

-- kind has no CHECK: it is the name of a class of `jobs.py`, and new verbs bring new ones.
create table job_events (
  jobid text not null references jobs (jobid) on delete cascade,
  number integer not null,
  at integer not null,
  kind text not null,
  body text not null,
  primary key (jobid, number)
) strict, without rowid;

create table deliveries (
  delivery_id text primary key,
  jobid text not null references jobs (jobid) on delete cascade,
  user_id integer not null,
  url text not null,
  body blob not null,
  created_at integer not null,
  next_attempt_at integer not null, -- a claim moves it to its own end
  attempts integer not null default 0,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'given_up')),
  unique (jobid, url) -- I9: one final delivery per job and URL
) strict;

create index deliveries_due on deliveries (next_attempt_at) where status = 'pending';

create table delivery_attempts (
  delivery_id text not null references deliveries (delivery_id) on delete cascade,
  number integer not null,
  at integer not null,
  status integer,
  reason text,
  duration_s real not null,
  primary key (delivery_id, number)
) strict, without rowid;

create table mails (
  mail_id text primary key,
  recipient text not null,
  subject text not null,
  body text not null,
  created_at integer not null,
  next_attempt_at integer not null, -- a claim moves it to its own end
  attempts integer not null default 0,
  status text not null default 'pending' check (status in ('pending', 'sent', 'given_up'))
) strict;

create index mails_due on mails (next_attempt_at) where status = 'pending';

create table unrecognised (
  account_id text not null,
  message_id text not null,
  at integer not null,
  payload blob not null,
  primary key (account_id, message_id)
) strict, without rowid;

create index unrecognised_age on unrecognised (account_id, at);
