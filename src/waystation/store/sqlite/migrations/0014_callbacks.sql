-- One word: the obligation to call a replyUrl is a callback.

alter table deliveries rename to callbacks;
alter table callbacks rename column delivery_id to callback_id;
alter table delivery_attempts rename to callback_attempts;
alter table callback_attempts rename column delivery_id to callback_id;

drop index deliveries_due;
drop index deliveries_of_job;
drop index deliveries_final;
drop index deliveries_owed;
create index callbacks_due on callbacks (next_attempt_at) where status = 'pending';
create index callbacks_of_job on callbacks (jobid);
-- I9: one final callback per job and URL.
create unique index callbacks_final on callbacks (jobid, url) where is_final;
create unique index callbacks_owed on callbacks (jobid, url) where status = 'pending';
