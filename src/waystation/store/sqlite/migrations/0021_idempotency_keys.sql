-- The Idempotency-Key of a request that made a job (R11): written in the job's own transaction.

create table idempotency_keys (
  user_id integer not null references users (user_id),
  route text not null,
  key text not null,
  jobid text not null references jobs (jobid) on delete cascade,
  digest blob not null, -- of the request
  at integer not null,
  primary key (user_id, route, key)
) strict, without rowid;

create index idempotency_keys_job on idempotency_keys (jobid);
create index idempotency_keys_age on idempotency_keys (at);
