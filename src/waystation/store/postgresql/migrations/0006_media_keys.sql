-- The key that signs a user's links to files of jobs: a new one ends all of them (R47).
create table media_keys (
  user_id bigint primary key references users (user_id),
  sealed bytea not null,
  made_at bigint not null
);
