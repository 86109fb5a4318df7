-- An account is one Discord user in one channel of one user (R19): what was removed keeps its id.

create table former_accounts (
  account_id text primary key,
  user_id integer not null references users (user_id),
  discord_user_id text not null,
  channel text not null,
  created_at integer not null,
  removed_at integer not null,
  halt text,
  halted_at integer,
  halt_cause text,
  reset_at integer,
  reset_after text,
  unique (user_id, discord_user_id, channel)
) strict, without rowid;

-- Ghosts belong to the Discord user and the channel, whoever has the account now (R19).
create index jobs_ghosts on jobs (channel, discord_user_id, finished_at) where ghost;

-- `token` where Discord rejected the account's token: a new one is the mend (R33).
alter table accounts add column halt_cause text;
update accounts set halt_cause = 'token' where halt like 'Discord rejected the account''s token%';
