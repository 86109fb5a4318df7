-- All that a user is told of their jobs has one order (R37): a number per user, raised in the
-- transaction of the event. The feed begins here; what happened before is in the jobs alone.

alter table users add column feed_last integer not null default 0;
alter table users add column feed_purged integer not null default 0; -- the greatest that went

create table feed (
  user_id integer not null,
  place integer not null,
  jobid text not null references jobs (jobid) on delete cascade,
  number integer not null, -- of the job's event
  primary key (user_id, place)
) strict, without rowid;

create index feed_job on feed (jobid);

create trigger feed_purged after delete on feed begin
  update users set feed_purged = max(feed_purged, old.place) where user_id = old.user_id;
end;

-- Another one after a restore, as places given after the backup are given again.
insert into meta (name, value) values ('feed_era', lower(hex(randomblob(4))));
