-- Callbacks are signed: each user has a secret, and those before it for a while.

create table signing_secrets (
  secret_id text primary key,
  user_id integer not null references users (user_id),
  sealed blob not null,
  made_at integer not null,
  ends_at integer -- null: the newest of its user
) strict;

create unique index signing_secrets_newest on signing_secrets (user_id) where ends_at is null;
create index signing_secrets_of_user on signing_secrets (user_id);

-- Number of the job's event that a callback tells (R37).
alter table callbacks add column sequence integer not null default 0;
update callbacks set sequence = coalesce(
  (select version from jobs where jobs.jobid = callbacks.jobid), 0
);
