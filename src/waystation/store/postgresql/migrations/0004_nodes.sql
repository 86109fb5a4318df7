-- Runs of a process that act for accounts, which accounts each of them has, and what is asked of them.
-- Their moments are those of the database's clock.
create table nodes (
  node_id text collate "C" primary key,
  name text not null, -- for people; several may have the same
  began_at bigint not null,
  lease_until bigint not null
);

create table assignments (
  account_id text collate "C" primary key references accounts (account_id) on delete cascade,
  node_id text collate "C" not null references nodes (node_id) on delete cascade,
  epoch bigint not null
);

create index assignments_of_node on assignments (node_id);

-- account_id has no foreign key: a command may erase its account.
create table commands (
  command_id text collate "C" primary key,
  account_id text collate "C" not null,
  kind text not null,
  body text not null, -- JSON
  status text collate "C" not null check (status in ('waiting', 'taken', 'done', 'withdrawn')),
  ends_at bigint not null, -- a node takes it before
  node_id text collate "C", -- the one that took it
  answer text -- JSON
);

create index commands_waiting on commands (account_id) where status = 'waiting';
create index commands_over on commands (ends_at);
