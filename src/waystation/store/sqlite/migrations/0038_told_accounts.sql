-- What the node of an account tells the other nodes of it: connection, and how long Discord asks it to wait.
-- It counts while told_epoch is the row's epoch and the node's lease runs.
alter table assignments add column told text not null default '{}'; -- JSON
alter table assignments add column told_epoch integer not null default 0;
alter table assignments add column waits_until integer not null default 0; -- the end of the longest wait
