-- What is asked of each job costs the same however many there were before it.

-- The lanes of an account are its unfinished jobs; its ghosts of a day are not walked through.
create index jobs_unfinished on jobs (account_id) where finished_at is null;
drop index jobs_slots;
create index jobs_slots on jobs (channel, account_id) where slot;
-- The newest completed job of an account and verb.
create index jobs_completed on jobs (account_id, verb, finished_at) where status = 'completed';

-- How many jobs are where: counted as they change, read by each look at the metrics.
create table job_counts (
  status text primary key,
  number integer not null
) strict, without rowid;
insert into job_counts select status, count(*) from jobs group by status;
drop index jobs_status;

create trigger jobs_counted_in after insert on jobs
begin
  insert into job_counts values (new.status, 1)
  on conflict (status) do update set number = number + 1;
end;

create trigger jobs_counted_over after update of status on jobs when new.status is not old.status
begin
  update job_counts set number = number - 1 where status = old.status;
  insert into job_counts values (new.status, 1)
  on conflict (status) do update set number = number + 1;
end;

create trigger jobs_counted_out after delete on jobs
begin
  update job_counts set number = number - 1 where status = old.status;
end;
