-- Jobs that wait until an account can take them, in the order of their turns.

alter table jobs add column queue_until integer; -- until when it may wait; null: not of the queue

-- One row per job of the queue until the job has ended; `waiting` while no account has it.
create table queue (
  number integer primary key autoincrement,
  jobid text not null unique references jobs (jobid) on delete cascade,
  user_id integer not null references users (user_id),
  priority integer not null check (priority between 1 and 5),
  account_id text, -- the only one that may take it; null: any that its user may use
  takes_slot integer not null check (takes_slot in (0, 1)),
  max_jobs integer, -- of the request
  mode text, -- the one that the account must be in
  not_before integer not null default 0,
  waiting integer not null check (waiting in (0, 1))
) strict;

create index queue_waiting on queue (user_id, priority desc, number) where waiting;
create index queue_pinned on queue (account_id) where waiting;

-- The last turn of each user on an account, by class of priority.
create table queue_turns (
  account_id text not null,
  priority integer not null,
  user_id integer not null references users (user_id),
  number integer not null,
  began real not null,
  ends real not null,
  primary key (account_id, priority, user_id)
) strict, without rowid;

-- Set by an admin: jobs wait unless told otherwise; the share of turns; the highest priority.
alter table users add column queues integer not null default 0 check (queues in (0, 1));
alter table users add column queue_weight integer not null default 1
  check (queue_weight between 1 and 100);
alter table users add column queue_priority integer not null default 3
  check (queue_priority between 1 and 5);

-- Users who may use an account.
create view account_users as
  select account_id, user_id from accounts union all select account_id, user_id from account_shares;
