-- IDENTIFYs of the last day, by the Discord user whose session they began: Discord counts them, and no
-- removal of an account may make them forgotten.
create table identifies (
  discord_user_id text collate "C" not null,
  at bigint not null,
  primary key (discord_user_id, at)
);
