-- Changes of users, tokens and accounts: who made which, and when.

create table audit (
  number integer primary key autoincrement,
  at integer not null,
  by text not null,
  action text not null,
  user_id integer not null,
  channel text,
  details text
) strict;

create index audit_of_user on audit (user_id, number);
