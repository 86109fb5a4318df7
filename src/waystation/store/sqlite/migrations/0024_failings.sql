-- How many jobs of an account have failed lately by no fault of their callers, by the minute: the
-- account is drawn less often for it.

create table account_failings (
  account_id text not null references accounts (account_id) on delete cascade,
  minute integer not null, -- since 1970, of the service's own time
  number integer not null,
  primary key (account_id, minute)
) strict, without rowid;
