-- Runs of a process that act for accounts, which accounts each of them has, and what is asked of them.
create table nodes (
  node_id text primary key,
  name text not null, -- for people; several may have the same
  began_at integer not null,
  lease_until integer not null
) strict;

create table assignments (
  account_id text primary key references accounts (account_id) on delete cascade,
  node_id text not null references nodes (node_id) on delete cascade,
  epoch integer not null
) strict;

create index assignments_of_node on assignments (node_id);

-- account_id has no foreign key: a command may erase its account.
create table commands (
  command_id text primary key,
  account_id text not null,
  kind text not null,
  body text not null, -- JSON
  status text not null check (status in ('waiting', 'taken', 'done', 'withdrawn')),
  ends_at integer not null, -- a node takes it before
  node_id text, -- the one that took it
  answer text -- JSON
) strict;

create index commands_waiting on commands (account_id) where status = 'waiting';
create index commands_over on commands (ends_at);
