-- What presses need that are answered by an edit, and deliveries of progress.

alter table jobs add column pressed text;
alter table jobs add column reply_progress integer not null default 0
  check (reply_progress in (0, 1));
