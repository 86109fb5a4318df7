-- The key that signs a user's links to files of jobs: a new one ends all of them (R47).
create table media_keys (
  user_id integer primary key references users (user_id),
  sealed blob not null,
  made_at integer not null
) strict;
