-- The slots that are taken, and when each should be free: a ghost gives its slot back then (R31), or a job
-- that runs ends then, if it takes as long as the last ten of its verb on its account.

create view slots_held as
  select
    user_id, account_id, channel, finished_at,
    coalesce(slot_until, submitted_at + cast((
      select avg(finished_at - submitted_at) from (
        select finished_at, submitted_at from jobs as done
        where done.account_id = held.account_id and done.verb = held.verb
          and done.status = 'completed'
        order by done.finished_at desc limit 10
      )
    ) as integer)) as free_at
  from jobs as held where slot;
