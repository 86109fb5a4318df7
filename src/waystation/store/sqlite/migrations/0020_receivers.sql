-- Receivers that take no callbacks, since when, and whether they are disabled: a row is deleted when
-- one is taken.

create table receivers (
  user_id integer not null references users (user_id),
  place text not null, -- scheme, host and port; or the URL that has answered 410
  failing_since integer not null,
  failed_at integer not null,
  reason text not null,
  is_gone integer not null check (is_gone in (0, 1)),
  told integer not null,
  told_at integer,
  disabled_at integer,
  primary key (user_id, place)
) strict, without rowid;

create index receivers_disabled on receivers (user_id, place) where disabled_at is not null;
create index receivers_failed on receivers (failed_at);
