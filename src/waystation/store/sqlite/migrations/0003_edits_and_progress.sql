-- What presses need that are answered by an edit, and deliveries of progress.

alter table jobs add column pressed text;
alter table jobs add column reply_progress integer not null default 0
  check (reply_progress in (0, 1));

-- The table is made anew, because its constraints change: progress is delivered to the same URL.
create table new_deliveries (
  delivery_id text primary key,
  jobid text not null references jobs (jobid) on delete cascade,
  user_id integer not null,
  url text not null,
  body blob not null,
  created_at integer not null,
  next_attempt_at integer not null, -- a claim moves it to its own end
  attempts integer not null default 0,
  status text not null default 'pending'
    check (status in ('pending', 'delivered', 'given_up', 'superseded')),
  is_final integer not null default 1 check (is_final in (0, 1))
) strict;

insert into new_deliveries (
  delivery_id, jobid, user_id, url, body, created_at, next_attempt_at, attempts, status
)
select delivery_id, jobid, user_id, url, body, created_at, next_attempt_at, attempts, status
from deliveries;

create table kept_attempts as select * from delivery_attempts;
drop table delivery_attempts;
drop table deliveries;
alter table new_deliveries rename to deliveries;

create index deliveries_due on deliveries (next_attempt_at) where status = 'pending';
create index deliveries_of_job on deliveries (jobid);
-- I9: one final delivery per job and URL.
create unique index deliveries_final on deliveries (jobid, url) where is_final;
-- R41: what is still owed of a job and URL is one at most.
create unique index deliveries_owed on deliveries (jobid, url) where status = 'pending';

create table delivery_attempts (
  delivery_id text not null references deliveries (delivery_id) on delete cascade,
  number integer not null,
  at integer not null,
  status integer,
  reason text,
  duration_s real not null,
  primary key (delivery_id, number)
) strict, without rowid;

insert into delivery_attempts select * from kept_attempts;
drop table kept_attempts;
