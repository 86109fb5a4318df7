-- Statements of SQLite alone; `../queries.sql` has those of both databases. A header line
-- `-- name: what it does` starts a query; the name is the key in `database.queries()`. {job_columns} and the like come from `rows.py`.

-- begin: a transaction that becomes a read transaction with its first query
begin;

-- commit: its end
commit;

-- user_by_email: whether an e-mail is taken, without regard to case
select user_id from users where email = :email;

-- count_account_day: one more job of an account that has a limit
update accounts set day_jobs = iif(day = :day, day_jobs, 0) + 1, day = :day
where account_id = :account_id and jobs_a_day is not null;

-- uncount_account_day: one job less of an account's day, on which the job was taken
update accounts set day_jobs = day_jobs - 1
where account_id = :account_id and jobs_a_day is not null and day_jobs > 0
  and exists (select 1 from queue where jobid = :jobid and takes_slot)
  and day = coalesce(
    (select max(at) from job_events where jobid = :jobid and kind = 'Granted'),
    (select created_at from jobs where jobid = :jobid)
  ) / 86400000000;

-- limit_account: how many jobs it takes a day, 0: any number, and how many slots it has; null: as before
update accounts set
  jobs_a_day = iif(:jobs_a_day is null, jobs_a_day, nullif(:jobs_a_day, 0)),
  max_jobs = coalesce(:max_jobs, max_jobs)
where account_id = :account_id;

-- next_job_ms: milliseconds for a new jobid, unique per user (R9); none for a user who may not ask
-- any more; one more job of its day, if it counts
update users set last_job_ms = max(:now_ms, last_job_ms + 1),
  day_jobs = iif(day = :day, day_jobs, 0) + :counts, day = :day
where user_id = :user_id and revoked_at is null
  and (expires_at is null or expires_at > :now_ms * 1000)
returning last_job_ms;

-- accounts_version: a number that every change of the accounts that a user may use raises (triggers)
select accounts_version from users where user_id = :user_id;

-- insert_account: a new account, above every epoch issued before
insert into accounts (
  account_id, user_id, discord_user_id, channel, guild_id, max_jobs, sealed_token, masked_token,
  created_at, epoch
) values (
  :account_id, :user_id, :discord_user_id, :channel, :guild_id, :max_jobs, :sealed_token,
  :masked_token, :at, coalesce((select value from meta where name = 'epoch_floor'), 0)
);

-- lift_token_halt: a new token is the mend for one that was rejected (R33)
update accounts set
  halt = null, halted_at = null, halt_cause = null, reset_at = max(:at, coalesce(reset_at, 0))
where account_id = :account_id and halt_cause = 'token';

-- reset_account: lift the halt and remember when; time never goes back
update accounts set trouble = null,
  halt = null, halted_at = null, halt_cause = null, reset_at = max(:at, coalesce(reset_at, 0)),
  reset_after = coalesce(:seen, reset_after)
where account_id = :account_id;

-- trim_former_accounts: a user's newest stay, and those of which Midjourney may still run something
delete from former_accounts where account_id in (
  select account_id from former_accounts where user_id = :user_id
  order by removed_at desc, account_id limit -1 offset :keep
) and not exists (
  select 1 from jobs where jobs.account_id = former_accounts.account_id
  and (finished_at is null or ghost or slot)
);

-- purge_former_accounts: those whose jobs are gone
delete from former_accounts where removed_at < :before and not exists (
  select 1 from jobs where jobs.account_id = former_accounts.account_id
  and (finished_at is null or ghost or slot)
);

-- release_slots: what ghosts held whose account is gone, so that nobody watches them (R31)
update jobs set slot = 0, slot_until = null
where slot and finished_at is not null and slot_until <= :at and not exists (
  select 1 from accounts where accounts.account_id = jobs.account_id
  or (accounts.channel = jobs.channel and accounts.discord_user_id = jobs.discord_user_id)
);

-- lift_epoch_floor: remember the largest epoch of an account that goes
insert into meta (name, value) values ('epoch_floor', :epoch)
on conflict (name) do update set value = max(value, excluded.value);

-- largest_epoch: over the accounts and those that are gone
select max(
  coalesce((select max(epoch) from accounts), 0),
  coalesce((select value from meta where name = 'epoch_floor'), 0)
);

-- room: what decides whether an account that this user may use can take one more job (R32)
select
  user_id, channel, guild_id, max_jobs, masked_token, discord_user_id, halt, removed_at,
  rests_until, jobs_a_day, day, day_jobs,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and max_jobs is null)
from accounts where account_id = :account_id and exists (
  select 1 from account_users
  where account_users.account_id = accounts.account_id and account_users.user_id = :user_id
);

-- queue_room: the same of an account of anybody
select
  user_id, channel, guild_id, max_jobs, masked_token, discord_user_id, halt, removed_at,
  rests_until, jobs_a_day, day, day_jobs,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and max_jobs is null)
from accounts where account_id = :account_id;

-- queue_users: the users of an account of whom jobs wait and who may ask still, and how many they may
-- have at once
select user_id, quotas ->> '$.jobsAtOnce' from account_users join users using (user_id)
where account_users.account_id = :account_id
  and revoked_at is null and (expires_at is null or expires_at > :wall)
  and exists (select 1 from queue where waiting and queue.user_id = users.user_id);

-- queue_head: the first waiting job of a user that an account could take now; where uploads wait, none
-- with a picture: the mask of a press is not uploaded
select jobid, user_id, priority, number from queue
where waiting and user_id = :user_id
  and (account_id = :account_id or (account_id is null and not :passed_over))
  and not_before <= :at and (mode is null or mode = :mode)
  and not (:uploads_wait and exists (
    select 1 from job_inputs join jobs on jobs.jobid = job_inputs.jobid
    where job_inputs.jobid = queue.jobid and bytes > 0 and parent_jobid is null
  ))
  and iif(takes_slot,
    :may_take_slots and min(coalesce(max_jobs, :max_jobs), :max_jobs) > :slots, :lane > :in_lane)
order by priority desc, number limit 1;

-- count_waiting: how many jobs of a user wait
select count(*) from queue where waiting and user_id = :user_id;

-- queue_granted: an account has it
update queue set waiting = 0 where jobid = :jobid and waiting;

-- is_waiting: whether a job waits
select 1 from queue where jobid = :jobid and waiting;

-- queue_accounts: the accounts that waiting jobs may use
select account_id from accounts where halt is null and removed_at is null and exists (
  select 1 from account_users join queue using (user_id)
  where account_users.account_id = accounts.account_id and waiting
    and (queue.account_id is null or queue.account_id = accounts.account_id)
);

-- queue_wants: whether a waiting job may use an account
select exists (
  select 1 from account_users join queue using (user_id)
  where account_users.account_id = :account_id and waiting
    and (queue.account_id is null or queue.account_id = :account_id)
);

-- queue_wants_mode: whether a waiting job needs a mode
select exists (select 1 from queue where waiting and mode is not null);

-- queued_jobs: those that have waited until a moment as long as they may; null: all
select {job_columns} from jobs where jobid in (select jobid from queue where waiting)
  and (:until is null or queue_until <= :until)
order by created_at, jobid;

-- queue_moments: when something changes by time alone
select min(moment) from (
  select min(not_before) as moment from queue where waiting and not_before > :at
  union all
  select min(queue_until) from jobs where jobid in (select jobid from queue where waiting)
  union all
  select min(rests_until) from accounts where rests_until > :at
);

-- queue_place: a job that waits, and those of its user before it
select
  priority, not_before, queue_until, queue.user_id, queue.account_id, takes_slot, queue.max_jobs,
  mode, verb, queue_weight, quotas ->> '$.jobsAtOnce',
  revoked_at is not null, coalesce(expires_at <= :wall, 0),
  parent_jobid is null
    and exists (select 1 from job_inputs where job_inputs.jobid = queue.jobid and bytes > 0),
  (select count(*) from queue as own where own.waiting and own.user_id = queue.user_id
    and own.priority = queue.priority and own.number < queue.number
    and (own.account_id is null or queue.account_id is null or own.account_id = queue.account_id))
from queue join jobs using (jobid) join users on users.user_id = queue.user_id
where jobid = :jobid and waiting;

-- queue_rivals: how many jobs wait of each user who may use an account of a job's, by class; those alone
-- that such an account may take, of users who may ask still
with own as (
  select account_id from account_users
  where user_id = :user_id and (:account_id is null or account_id = :account_id)
)
select user_id, priority, queue_weight, count(*) from queue join users using (user_id)
where waiting and priority >= :priority
  and revoked_at is null and (expires_at is null or expires_at > :wall)
  and user_id in (select user_id from account_users where account_id in (select account_id from own))
  and (queue.account_id is null or queue.account_id in (select account_id from own))
group by user_id, priority;

-- queue_choices: the accounts that may take a job, as full as they are
select
  account_id, channel, max_jobs, halt, accounts.user_id, trouble, rests_until,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and jobs.max_jobs is null)
from accounts join account_users using (account_id)
where account_users.user_id = :user_id and removed_at is null
  and (:account_id is null or account_id = :account_id)
order by created_at, account_id;

-- usual_span: how long an account's last jobs of a verb took
select avg(finished_at - submitted_at) from (
  select finished_at, submitted_at from jobs
  where account_id = :account_id and verb = :verb and status = 'completed'
  order by finished_at desc limit :limit
);

-- slot_holders: the caller's own unfinished jobs that hold a slot of an account (R8, R31)
select jobid from jobs where channel = :channel and slot and account_id = :account_id
  and user_id = :user_id and finished_at is null
order by created_at, jobid;

-- first_free_slot_of_user: when the first slot of a few accounts that a user may use should be free
select min(free_at) from (
  select account_id, channel from account_users join accounts using (account_id)
  where account_users.user_id = :user_id and (:account_id is null or account_id = :account_id)
    and halt is null and removed_at is null
  limit :limit
) as own join slots_held using (channel, account_id);

-- children: the jobs that a job's buttons started, oldest first
select params ->> '$.button', jobid, message_id from jobs
where parent_jobid = :jobid and params ->> '$.button' is not null
order by created_at, jobid;

-- take_key: give it to a new job; a row that holds it no longer goes
insert or replace into idempotency_keys (user_id, route, key, jobid, digest, at)
values (:user_id, :route, :key, :jobid, :digest, :at);

-- waiting_bytes: what a user's pictures take that wait to be sent
select coalesce(sum(bytes), 0) from job_inputs where user_id = :user_id;

-- sweep_inputs: what a crash has left before there was a job
delete from job_inputs where jobid is null and at < coalesce(:before, at + 1);

-- update_job: a job's new state, if nobody changed it in between
update jobs set {job_changes}
where jobid = :jobid and version = :expected and (account_id = :account_id or (
  ghost and (discord_user_id, channel) = (
    select discord_user_id, channel from accounts where account_id = :account_id
  )
));

-- index_job: make a job findable, once, and by its folded prompt if it has one
insert into job_finds (number, jobid) values (:number, :jobid) on conflict do nothing;
insert into job_texts (rowid, prompt)
select :number, :prompt where changes() > 0 and :prompt is not null;

-- delete_text: its prompt
delete from job_texts where rowid = :number;

-- is_rare_text: whether few prompts have some of the three characters in a row that a text has
select exists (
  select 1 from json_each(:matches) as one
  where :limit > (
    select count(*) from (
      select 1 from job_texts
      where job_texts match one.value and rowid >= :least and rowid < :below limit :limit
    )
  )
);

-- find_jobs: jobs of a range of numbers, the newest first
select {found_columns} from job_finds cross join jobs on jobs.jobid = job_finds.jobid
where number >= :least and number < :below
  and (:statuses is null or status in (select value from json_each(:statuses)))
  and (:verb is null or verb = :verb) and (:channel is null or channel = :channel)
order by number desc limit :limit;

-- find_texts: the same of jobs that hold a text in their prompt
select {found_columns} from job_texts
cross join job_finds on job_finds.number = job_texts.rowid
cross join jobs on jobs.jobid = job_finds.jobid
where job_texts match :match and job_texts.rowid >= :least and job_texts.rowid < :below
  and (:statuses is null or status in (select value from json_each(:statuses)))
  and (:verb is null or verb = :verb) and (:channel is null or channel = :channel)
  and says(params ->> '$.prompt', :text)
order by job_texts.rowid desc limit :limit;

-- find_rare_texts: likewise; here one plan serves both
select {found_columns} from job_texts
cross join job_finds on job_finds.number = job_texts.rowid
cross join jobs on jobs.jobid = job_finds.jobid
where job_texts match :match and job_texts.rowid >= :least and job_texts.rowid < :below
  and (:statuses is null or status in (select value from json_each(:statuses)))
  and (:verb is null or verb = :verb) and (:channel is null or channel = :channel)
  and says(params ->> '$.prompt', :text)
order by job_texts.rowid desc limit :limit;

-- last_completed: an account's newest completed job of some verbs
select {job_columns} from jobs
where jobid in (
  select (
    select jobid from jobs
    where account_id = :account_id and verb = wanted.value and status = 'completed'
    order by finished_at desc limit 1
  )
  from json_each(:verbs) as wanted
)
order by finished_at desc limit 1;

-- holding_jobs: an account's jobs that are not final or hold a slot
select {job_columns} from jobs
where account_id = :account_id and (finished_at is null or ghost or slot)
  and (finished_at is null or slot)
order by created_at, jobid;

-- slot_jobs: the jobs that hold a slot of an account that a user may use
select {job_columns} from jobs
where slot and (channel, account_id) in (
  select accounts.channel, accounts.account_id from account_users
  join accounts on accounts.account_id = account_users.account_id
  where account_users.user_id = :user_id
)
order by created_at, jobid;

-- in_flight_jobs: not final, slot holders, and ghosts that are still candidates, also those that the
-- same Discord user has left in the same channel under another account of the installation (R19)
select {job_columns} from jobs
where account_id = :account_id and (finished_at is null or ghost or slot)
  and (finished_at is null or slot or finished_at > :ghosts_after)
union all
select {job_columns} from jobs
where ghost and finished_at > :ghosts_after and account_id <> :account_id
  and (channel, discord_user_id) = (
    select channel, discord_user_id from accounts where account_id = :account_id
  )
order by created_at, jobid;

-- place_events: give a job's events the next places in its user's feed
update users set feed_last = feed_last + json_array_length(:numbers) where user_id = :user_id;
insert into feed (user_id, place, jobid, number)
select user_id, feed_last - json_array_length(:numbers) + 1 + key, :jobid, value
from users, json_each(:numbers) where user_id = :user_id;

-- begin_feed_era: places of before mean nothing
update meta set value = lower(hex(randomblob(4))) where name = 'feed_era';

-- note_failing: one more job of an account has failed in this minute; nothing where the account is gone
insert into account_failings (account_id, minute, number)
select account_id, :minute, 1 from accounts where account_id = :account_id
on conflict (account_id, minute) do update set number = number + 1;

-- failings: how many jobs of an account have failed since a minute
select coalesce(sum(number), 0) from account_failings
where account_id = :account_id and minute > :since;

-- change_trouble: what Discord refused lately, unless a reset came in between (R50)
update accounts set trouble = :after where account_id = :account_id and trouble is :before;

-- trim_unrecognised: the newest of an account stay, and none that is too old (R24)
delete from unrecognised
where account_id = :account_id and (at < :before or message_id in (
  select message_id from unrecognised where account_id = :account_id
  order by at desc, message_id desc limit -1 offset :keep
));

-- see: keep what a conversation knows; what changes keeps its place
insert into seen_messages (discord_user_id, channel, kind, id, at, body)
select discord_user_id, channel, :kind, :id, :at, :body from accounts
where account_id = :account_id
on conflict (discord_user_id, channel, kind, id)
do update set at = excluded.at, body = excluded.body;

-- trim_seen: the newest of an account stay (R20)
delete from seen_messages where number in (
  select number from seen_messages
  where (discord_user_id, channel) = (
    select discord_user_id, channel from accounts where account_id = :account_id
  )
  order by number desc limit -1 offset :keep
);

-- supersede_callbacks: progress that is not delivered yet never will be (R41)
update callbacks set status = 'superseded'
where jobid = :jobid and url = :url and status = 'pending' and not is_final;

-- claim_callbacks: due ones, first attempts before repeats; one per job and URL is pending (R41)
update callbacks set next_attempt_at = :until
where callback_id in (
  select callback_id from callbacks where status = 'pending' and next_attempt_at <= :at
  order by attempts > 0, next_attempt_at, callback_id limit :limit
)
returning {callback_columns};

-- trim_attempts: the newest of a callback stay
delete from callback_attempts where callback_id = :callback_id and number <= :number - :keep;

-- missing: ends of a user's jobs with a status that nobody has taken since a moment, newer than a
-- place, oldest first; those that are due soon are on their way
select {delivery_columns} from callbacks
where user_id = :user_id and status = :status and created_at >= :since
  and (created_at, callback_id) > (:created_at, :callback_id)
  and is_final and (status <> 'pending' or next_attempt_at > :soon)
order by created_at, callback_id limit :limit;

-- redeliver: an end is due again now, with all its attempts; one that is due soon is on its way
update callbacks set status = 'pending', earlier = attempts, next_attempt_at = :at
where callback_id = :callback_id and user_id = :user_id and is_final
  and (status <> 'pending' or next_attempt_at > :soon);

-- put_receiver: how it fails now
insert or replace into receivers ({receiver_columns}) values ({receiver_values});

-- trim_receivers: those of a user that failed last stay
delete from receivers where user_id = :user_id and place in (
  select place from receivers where user_id = :user_id
  order by failed_at desc, place limit -1 offset :keep
);

-- purge_receivers: those that failed long ago; the disabled stay so, but for single URLs
delete from receivers where failed_at < :before and (disabled_at is null or is_gone);

-- claim_mails: due ones, oldest first
update mails set next_attempt_at = :until
where mail_id in (
  select mail_id from mails where status = 'pending' and next_attempt_at <= :at
  order by next_attempt_at, mail_id limit :limit
)
returning mail_id, recipient, subject, body, created_at, next_attempt_at, attempts;

-- claim_copies: due ones, those of the oldest jobs first
update copies set next_attempt_at = :until
where (jobid, number) in (
  select jobid, number from copies where next_attempt_at <= :at
  order by next_attempt_at, jobid, number limit :limit
)
returning jobid, number, attachment_id, attempts;

-- unused_files: those that no copy names go
delete from kept_files where name in (
  select name from kept_files
  where not exists (select 1 from copies where copies.name = kept_files.name) limit :limit
)
returning name;

-- next_due: the first callback or mail that waits
select min(due) from (
  select min(next_attempt_at) as due from callbacks where status = 'pending'
  union all
  select min(next_attempt_at) from mails where status = 'pending'
);

-- jobs_after: a page of all jobs, oldest first, of one user or of all
select {job_columns} from jobs
where jobid > :after and (:user_id is null or user_id = :user_id)
order by jobid limit :limit;

-- purge_jobs: final jobs without open callbacks, oldest first; events and attempts go along (R40)
delete from jobs where jobid in (
  select jobid from jobs
  where finished_at is not null and finished_at < :before
    and not slot and (not ghost or finished_at < :ghosts_before)
    and not exists (
      select 1 from callbacks where callbacks.jobid = jobs.jobid and status = 'pending'
    )
  order by finished_at limit :limit
)
returning jobid;

-- jobs_by_status: how many jobs are where
select status, number from job_counts where number > 0;

-- totals: the other numbers of metrics
select
  (select count(*) from callbacks where status = 'pending'),
  (select count(*) from mails where status = 'pending'),
  (select count(*) from accounts where removed_at is null),
  (select count(*) from accounts where removed_at is null and halt is not null),
  (select count(*) from unrecognised),
  -- not from the POST on: a job may have waited in the queue for hours
  (select min(coalesce(submitted_at, updated_at)) from jobs
    where finished_at is null and account_id <> ''),
  (select min(coalesce(submitted_at, updated_at)) from jobs where slot),
  (select min(created_at) from callbacks where status = 'pending'),
  (select min(created_at) from jobs where jobid in (select jobid from queue where waiting)),
  (select count(*) from queue where waiting),
  (select count(*) from commands where status = 'waiting');

-- foreign_commits: changes when another connection than this one has committed
pragma data_version;

-- add_tallies: more events, by key
insert into tallies (kind, key, slice, number)
select :kind, key, {clock} / :slice * :slice, value from json_each(:added) where true
on conflict do update set number = number + excluded.number;

-- tallies_of: how many events there are, and when the first slice of them began, by key
select key, sum(number), min(slice), {clock} from tallies
where kind = :kind and key in (select value from json_each(:keys)) and slice > {clock} - :span
group by key having sum(number) > 0;
