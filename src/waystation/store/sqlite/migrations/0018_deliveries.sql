-- Users see their callbacks, ask for them again, and test a receiver. The table is made anew, because
-- its constraints change: a ping is of no job.

create table new_callbacks (
  callback_id text primary key,
  jobid text references jobs (jobid) on delete cascade, -- null: a ping
  user_id integer not null,
  url text not null,
  body blob not null,
  created_at integer not null,
  next_attempt_at integer not null, -- a claim moves it to its own end
  attempts integer not null default 0,
  earlier integer not null default 0, -- attempts made before it was last asked for again
  status text not null default 'pending'
    check (status in ('pending', 'delivered', 'given_up', 'superseded', 'disabled')),
  is_final integer not null default 1 check (is_final in (0, 1)),
  sequence integer not null default 0
) strict;

insert into new_callbacks (
  callback_id, jobid, user_id, url, body, created_at, next_attempt_at, attempts, status, is_final,
  sequence
)
select
  callback_id, jobid, user_id, url, body, created_at, next_attempt_at, attempts, status, is_final,
  sequence
from callbacks;

create table kept_attempts as select * from callback_attempts;
drop table callback_attempts;
drop table callbacks;
alter table new_callbacks rename to callbacks;

create index callbacks_due on callbacks (next_attempt_at) where status = 'pending';
create index callbacks_of_job on callbacks (jobid);
create index callbacks_of_user on callbacks (user_id, status, created_at, callback_id);
create index callbacks_pings on callbacks (created_at) where jobid is null;
-- I9: one final callback per job and URL.
create unique index callbacks_final on callbacks (jobid, url) where is_final;
create unique index callbacks_owed on callbacks (jobid, url) where status = 'pending';

create table callback_attempts (
  callback_id text not null references callbacks (callback_id) on delete cascade,
  number integer not null,
  at integer not null,
  status integer,
  reason text,
  duration_s real not null,
  primary key (callback_id, number)
) strict, without rowid;

insert into callback_attempts select * from kept_attempts;
drop table kept_attempts;

-- What users have asked for lately, where there is a limit per hour: rows, whichever process is asked.
create table asked_lately (
  user_id integer not null,
  kind text not null,
  at integer not null
) strict;
create index asked_lately_of_user on asked_lately (user_id, kind, at);
