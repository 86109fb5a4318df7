-- Statements of PostgreSQL alone, by the names of SQLite's; `../queries.sql` has those of both databases,
-- and a test tells the few names that differ. A header line `-- name: what it does` starts a query.
-- {job_columns} and the like come from `rows.py`; `:name` is a value.

-- lock_users: users, by id, whose rows a transaction counts on, also those of accounts for which jobs
-- wait; always before any account
select user_id from users
where user_id in (select json_array_elements_text(:users::text::json)::bigint) or user_id in (
  select account_users.user_id from account_users join queue using (user_id)
  where waiting <> 0
    and account_users.account_id in (select json_array_elements_text(:waiting_on::text::json))
)
order by user_id for no key update;

-- lock_accounts: accounts, by id, on whose rows it counts
select account_id from accounts
where account_id in (select json_array_elements_text(:accounts::text::json))
order by account_id for no key update;

-- user_by_email: whether an e-mail is taken, without regard to case
select user_id from users where lower(email collate "C") = lower((:email)::text collate "C");

-- count_account_day: one more job of an account that has a limit
update accounts set day_jobs = case when day = :day then day_jobs else 0 end + 1, day = :day
where account_id = :account_id and jobs_a_day is not null;

-- uncount_account_day: one job less of an account's day, on which the job was taken
update accounts set day_jobs = day_jobs - 1
where account_id = :account_id and jobs_a_day is not null and day_jobs > 0
  and exists (select 1 from queue where jobid = :jobid and takes_slot <> 0)
  and day = coalesce(
    (select max(at) from job_events where jobid = :jobid and kind = 'Granted'),
    (select created_at from jobs where jobid = :jobid)
  ) / 86400000000;

-- limit_account: how many jobs it takes a day, 0: any number, and how many slots it has; null: as before
update accounts set
  jobs_a_day = case when :jobs_a_day::bigint is null then jobs_a_day
    else nullif(:jobs_a_day::bigint, 0) end,
  max_jobs = coalesce(:max_jobs::bigint, max_jobs)
where account_id = :account_id;

-- next_job_ms: milliseconds for a new jobid, unique per user (R9); none for a user who may not ask
-- any more; one more job of its day, if it counts
update users set last_job_ms = greatest(:now_ms::bigint, last_job_ms + 1),
  day_jobs = case when day = :day then day_jobs else 0 end + :counts::bigint, day = :day
where user_id = :user_id and revoked_at is null
  and (expires_at is null or expires_at > :now_ms::bigint * 1000)
returning last_job_ms;

-- insert_account: a new account, above every epoch issued before
insert into accounts (
  account_id, user_id, discord_user_id, channel, guild_id, max_jobs, sealed_token, masked_token,
  created_at, epoch
) values (
  :account_id, :user_id, :discord_user_id, :channel, :guild_id, :max_jobs, :sealed_token,
  :masked_token, :at, coalesce((select value::bigint from meta where name = 'epoch_floor'), 0)
);

-- lift_token_halt: a new token is the mend for one that was rejected (R33)
update accounts set
  halt = null, halted_at = null, halt_cause = null, reset_at = greatest(:at, coalesce(reset_at, 0))
where account_id = :account_id and halt_cause = 'token';

-- reset_account: lift the halt and remember when; time never goes back
update accounts set trouble = null,
  halt = null, halted_at = null, halt_cause = null, reset_at = greatest(:at, coalesce(reset_at, 0)),
  reset_after = coalesce(:seen, reset_after)
where account_id = :account_id;

-- trim_former_accounts: a user's newest stay, and those of which Midjourney may still run something
delete from former_accounts where account_id in (
  select account_id from former_accounts where user_id = :user_id
  order by removed_at desc, account_id offset :keep
) and not exists (
  select 1 from jobs where jobs.account_id = former_accounts.account_id
  and (finished_at is null or ghost <> 0 or slot <> 0)
);

-- purge_former_accounts: those whose jobs are gone
delete from former_accounts where removed_at < :before and not exists (
  select 1 from jobs where jobs.account_id = former_accounts.account_id
  and (finished_at is null or ghost <> 0 or slot <> 0)
);

-- release_slots: what ghosts held whose account is gone, so that nobody watches them (R31)
update jobs set slot = 0, slot_until = null
where slot <> 0 and finished_at is not null and slot_until <= :at and not exists (
  select 1 from accounts where accounts.account_id = jobs.account_id
  or (accounts.channel = jobs.channel and accounts.discord_user_id = jobs.discord_user_id)
);

-- lift_epoch_floor: remember the largest epoch of an account that goes
insert into meta (name, value) values ('epoch_floor', :epoch::bigint::text)
on conflict (name)
do update set value = greatest(meta.value::bigint, excluded.value::bigint)::text;

-- largest_epoch: over the accounts and those that are gone
select greatest(
  coalesce((select max(epoch) from accounts), 0),
  coalesce((select value::bigint from meta where name = 'epoch_floor'), 0)
);

-- room: what decides whether an account that this user may use can take one more job (R32)
select
  user_id, channel, guild_id, max_jobs, masked_token, discord_user_id, halt, removed_at,
  rests_until, jobs_a_day, day, day_jobs,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot <> 0
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
  (select count(*) from jobs where jobs.channel = accounts.channel and slot <> 0
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and max_jobs is null)
from accounts where account_id = :account_id;

-- queue_users: the users of an account of whom jobs wait and who may ask still, and how many they may
-- have at once
select user_id, (quotas::json ->> 'jobsAtOnce')::bigint from account_users join users using (user_id)
where account_users.account_id = :account_id
  and revoked_at is null and (expires_at is null or expires_at > :wall)
  and exists (select 1 from queue where waiting <> 0 and queue.user_id = users.user_id);

-- queue_head: the first waiting job of a user that an account could take now; where uploads wait, none
-- with a picture: the mask of a press is not uploaded
select jobid, user_id, priority, number from queue
where waiting <> 0 and user_id = :user_id
  and (account_id = :account_id or (account_id is null and :passed_over::bigint = 0))
  and not_before <= :at and (mode is null or mode = :mode)
  and not (:uploads_wait::bigint <> 0 and exists (
    select 1 from job_inputs join jobs on jobs.jobid = job_inputs.jobid
    where job_inputs.jobid = queue.jobid and bytes > 0 and parent_jobid is null
  ))
  and case when takes_slot <> 0
    then :may_take_slots::bigint <> 0
      and least(coalesce(max_jobs, :max_jobs::bigint), :max_jobs::bigint) > :slots::bigint
    else :lane::bigint > :in_lane::bigint
  end
order by priority desc, number limit 1;

-- count_waiting: how many jobs of a user wait
select count(*) from queue where waiting <> 0 and user_id = :user_id;

-- queue_granted: an account has it
update queue set waiting = 0 where jobid = :jobid and waiting <> 0;

-- is_waiting: whether a job waits
select 1 from queue where jobid = :jobid and waiting <> 0;

-- queue_accounts: the accounts that waiting jobs may use
select account_id from accounts where halt is null and removed_at is null and exists (
  select 1 from account_users join queue using (user_id)
  where account_users.account_id = accounts.account_id and waiting <> 0
    and (queue.account_id is null or queue.account_id = accounts.account_id)
);

-- queue_wants: whether a waiting job may use an account
select exists (
  select 1 from account_users join queue using (user_id)
  where account_users.account_id = :account_id and waiting <> 0
    and (queue.account_id is null or queue.account_id = :account_id)
);

-- queue_wants_mode: whether a waiting job needs a mode
select exists (select 1 from queue where waiting <> 0 and mode is not null);

-- queued_jobs: those that have waited until a moment as long as they may; null: all
select {job_columns} from jobs where jobid in (select jobid from queue where waiting <> 0)
  and (:until::bigint is null or queue_until <= :until::bigint)
order by created_at, jobid;

-- queue_moments: when something changes by time alone
select min(moment) from (
  select min(not_before) as moment from queue where waiting <> 0 and not_before > :at
  union all
  select min(queue_until) from jobs where jobid in (select jobid from queue where waiting <> 0)
  union all
  select min(rests_until) from accounts where rests_until > :at
) as moments;

-- queue_place: a job that waits, and those of its user before it
select
  priority, not_before, queue_until, queue.user_id, queue.account_id, takes_slot, queue.max_jobs,
  mode, verb, queue_weight, (quotas::json ->> 'jobsAtOnce')::bigint,
  revoked_at is not null, coalesce(expires_at <= :wall, false),
  parent_jobid is null
    and exists (select 1 from job_inputs where job_inputs.jobid = queue.jobid and bytes > 0),
  (select count(*) from queue as own where own.waiting <> 0 and own.user_id = queue.user_id
    and own.priority = queue.priority and own.number < queue.number
    and (own.account_id is null or queue.account_id is null or own.account_id = queue.account_id))
from queue join jobs using (jobid) join users on users.user_id = queue.user_id
where jobid = :jobid and waiting <> 0;

-- queue_rivals: how many jobs wait of each user who may use an account of a job's, by class; those alone
-- that such an account may take, of users who may ask still
with own as (
  select account_id from account_users
  where user_id = :user_id and (:account_id::text is null or account_id = :account_id::text)
)
select user_id, priority, queue_weight, count(*) from queue join users using (user_id)
where waiting <> 0 and priority >= :priority
  and revoked_at is null and (expires_at is null or expires_at > :wall)
  and user_id in (select user_id from account_users where account_id in (select account_id from own))
  and (queue.account_id is null or queue.account_id in (select account_id from own))
group by user_id, priority, queue_weight;

-- queue_choices: the accounts that may take a job, as full as they are
select
  account_id, channel, max_jobs, halt, accounts.user_id, trouble, rests_until,
  (select count(*) from jobs where jobs.channel = accounts.channel and slot <> 0
    and jobs.account_id = accounts.account_id),
  (select count(*) from jobs where jobs.account_id = accounts.account_id
    and finished_at is null and jobs.max_jobs is null)
from accounts join account_users using (account_id)
where account_users.user_id = :user_id and removed_at is null
  and (:account_id::text is null or account_id = :account_id::text)
order by created_at, account_id;

-- usual_span: how long an account's last jobs of a verb took
select avg(finished_at - submitted_at)::double precision from (
  select finished_at, submitted_at from jobs
  where account_id = :account_id and verb = :verb and status = 'completed'
  order by finished_at desc limit :limit
) as last;

-- slot_holders: the caller's own unfinished jobs that hold a slot of an account (R8, R31)
select jobid from jobs where channel = :channel and slot <> 0 and account_id = :account_id
  and user_id = :user_id and finished_at is null
order by created_at, jobid;

-- first_free_slot_of_user: when the first slot of a few accounts that a user may use should be free
select min(free_at) from (
  select account_id, channel from account_users join accounts using (account_id)
  where account_users.user_id = :user_id and (:account_id::text is null or account_id = :account_id::text)
    and halt is null and removed_at is null
  limit :limit
) as own join slots_held using (channel, account_id);

-- children: the jobs that a job's buttons started, oldest first
select params::json ->> 'button', jobid, message_id from jobs
where parent_jobid = :jobid and params::json ->> 'button' is not null
order by created_at, jobid;

-- take_key: give it to a new job; a row that holds it no longer goes
insert into idempotency_keys (user_id, route, key, jobid, digest, at)
values (:user_id, :route, :key, :jobid, :digest, :at)
on conflict (user_id, route, key)
do update set jobid = excluded.jobid, digest = excluded.digest, at = excluded.at;

-- waiting_bytes: what a user's pictures take that wait to be sent
select coalesce(sum(bytes), 0)::bigint from job_inputs where user_id = :user_id;

-- sweep_inputs: what a crash has left before there was a job
delete from job_inputs where jobid is null and at < coalesce(:before::bigint, at + 1);

-- update_job: a job's new state, if nobody changed it in between
update jobs set {job_changes}
where jobid = :jobid and version = :expected and (account_id = :account_id or (
  ghost <> 0 and (discord_user_id, channel) = (
    select discord_user_id, channel from accounts where account_id = :account_id
  )
));

-- index_job: make a job findable, once, and by its folded prompt if it has one
with found as (
  insert into job_finds (number, jobid) values (:number, :jobid) on conflict do nothing
  returning number
)
insert into job_texts (number, prompt)
select number, :prompt::text from found where :prompt::text is not null;

-- delete_text: its prompt
delete from job_texts where number = :number;

-- is_rare_text: whether few prompts hold a text, by an estimate from some forty pages of all prompts;
-- reading by the index may take ten times as many as on SQLite
with seen as materialized (
  select strpos(prompt, :text::text) > 0 as holds from job_texts
  tablesample system (least(100, 100 * 40 * 8192 / greatest(1, pg_relation_size('job_texts'))))
)
select count(*) filter (where holds) * greatest(1, pg_relation_size('job_texts') / (40 * 8192))
  < 10 * :limit::bigint
from seen;

-- find_jobs: jobs of a range of numbers, the newest first
select {found_columns} from job_finds join jobs on jobs.jobid = job_finds.jobid
where number >= :least and number < :below
  and (:statuses::text is null
    or status in (select json_array_elements_text(:statuses::text::json)))
  and (:verb::text is null or verb = :verb::text)
  and (:channel::text is null or channel = :channel::text)
order by number desc limit :limit;

-- find_texts: the same of jobs that hold a text in their prompt
select {found_columns} from job_texts
join job_finds on job_finds.number = job_texts.number
join jobs on jobs.jobid = job_finds.jobid
where job_texts.number >= :least and job_texts.number < :below
  and (:statuses::text is null
    or status in (select json_array_elements_text(:statuses::text::json)))
  and (:verb::text is null or verb = :verb::text)
  and (:channel::text is null or channel = :channel::text)
  and strpos(prompt, :text) > 0
order by job_texts.number desc limit :limit;

-- find_rare_texts: likewise by the index of three characters in a row, at once. The range of numbers
-- must not tempt the planner to read all of it
select {found_columns} from (
  select number from job_texts
  where prompt like :pattern and number + 0 >= :least and number + 0 < :below
  order by number desc offset 0
) as hits
cross join lateral (
  select jobs.* from job_finds join jobs on jobs.jobid = job_finds.jobid
  where job_finds.number = hits.number
    and (:statuses::text is null
      or status in (select json_array_elements_text(:statuses::text::json)))
    and (:verb::text is null or verb = :verb::text)
    and (:channel::text is null or channel = :channel::text)
  limit 1
) as jobs
order by hits.number desc limit :limit;

-- last_completed: an account's newest completed job of some verbs
select {job_columns} from jobs
where jobid in (
  select (
    select jobid from jobs
    where account_id = :account_id and verb = wanted.value and status = 'completed'
    order by finished_at desc limit 1
  )
  from json_array_elements_text(:verbs::text::json) as wanted (value)
)
order by finished_at desc limit 1;

-- holding_jobs: an account's jobs that are not final or hold a slot
select {job_columns} from jobs
where account_id = :account_id and (finished_at is null or ghost <> 0 or slot <> 0)
  and (finished_at is null or slot <> 0)
order by created_at, jobid;

-- slot_jobs: the jobs that hold a slot of an account that a user may use
select {job_columns} from jobs
where slot <> 0 and (channel, account_id) in (
  select accounts.channel, accounts.account_id from account_users
  join accounts on accounts.account_id = account_users.account_id
  where account_users.user_id = :user_id
)
order by created_at, jobid;

-- in_flight_jobs: not final, slot holders, and ghosts that are still candidates, also those that the
-- same Discord user has left in the same channel under another account of the installation (R19)
select {job_columns} from jobs
where account_id = :account_id and (finished_at is null or ghost <> 0 or slot <> 0)
  and (finished_at is null or slot <> 0 or finished_at > :ghosts_after)
union all
select {job_columns} from jobs
where ghost <> 0 and finished_at > :ghosts_after and account_id <> :account_id
  and (channel, discord_user_id) = (
    select channel, discord_user_id from accounts where account_id = :account_id
  )
order by created_at, jobid;

-- place_events: give a job's events the next places in its user's feed
with raised as (
  update users set feed_last = feed_last + json_array_length(:numbers::text::json)
  where user_id = :user_id
  returning user_id, feed_last - json_array_length(:numbers::text::json) as before
)
insert into feed (user_id, place, jobid, number)
select user_id, before + ordinality, :jobid::text, number::bigint
from raised, json_array_elements_text(:numbers::text::json) with ordinality as told (number, ordinality);

-- begin_feed_era: places of before mean nothing
update meta set value = left(replace(gen_random_uuid()::text, '-', ''), 8) where name = 'feed_era';

-- note_failing: one more job of an account has failed in this minute; nothing where the account is gone
insert into account_failings (account_id, minute, number)
select account_id, :minute::bigint, 1 from accounts where account_id = :account_id
on conflict (account_id, minute) do update set number = account_failings.number + 1;

-- failings: how many jobs of an account have failed since a minute
select coalesce(sum(number), 0)::bigint from account_failings
where account_id = :account_id and minute > :since;

-- change_trouble: what Discord refused lately, unless a reset came in between (R50)
update accounts set trouble = :after where account_id = :account_id and trouble is not distinct from :before;

-- trim_unrecognised: the newest of an account stay, and none that is too old (R24)
delete from unrecognised
where account_id = :account_id and (at < :before or message_id in (
  select message_id from unrecognised where account_id = :account_id
  order by at desc, message_id desc offset :keep
));

-- see: keep what a conversation knows; what changes keeps its place
insert into seen_messages (discord_user_id, channel, kind, id, at, body)
select discord_user_id, channel, :kind::text, :id::text, :at::bigint, :body::bytea from accounts
where account_id = :account_id
on conflict (discord_user_id, channel, kind, id)
do update set at = excluded.at, body = excluded.body;

-- trim_seen: the newest of an account stay (R20)
delete from seen_messages where number in (
  select number from seen_messages
  where (discord_user_id, channel) = (
    select discord_user_id, channel from accounts where account_id = :account_id
  )
  order by number desc offset :keep
);

-- supersede_callbacks: progress that is not delivered yet never will be (R41)
update callbacks set status = 'superseded'
where jobid = :jobid and url = :url and status = 'pending' and is_final = 0;

-- claim_callbacks: due ones, first attempts before repeats; one per job and URL is pending (R41)
with due as materialized (
  select callback_id from callbacks where status = 'pending' and next_attempt_at <= :at
  order by attempts > 0, next_attempt_at, callback_id limit :limit
  for update skip locked
)
update callbacks set next_attempt_at = :until
where callback_id in (select callback_id from due)
returning {callback_columns};

-- trim_attempts: the newest of a callback stay
delete from callback_attempts where callback_id = :callback_id and number <= :number::bigint - :keep::bigint;

-- missing: ends of a user's jobs with a status that nobody has taken since a moment, newer than a
-- place, oldest first; those that are due soon are on their way
select {delivery_columns} from callbacks
where user_id = :user_id and status = :status and created_at >= :since
  and (created_at, callback_id) > (:created_at, :callback_id)
  and is_final <> 0 and (status <> 'pending' or next_attempt_at > :soon)
order by created_at, callback_id limit :limit;

-- redeliver: an end is due again now, with all its attempts; one that is due soon is on its way
update callbacks set status = 'pending', earlier = attempts, next_attempt_at = :at
where callback_id = :callback_id and user_id = :user_id and is_final <> 0
  and (status <> 'pending' or next_attempt_at > :soon);

-- put_receiver: how it fails now
insert into receivers ({receiver_columns}) values ({receiver_values})
on conflict (user_id, place) do update set
  failing_since = excluded.failing_since, failed_at = excluded.failed_at, reason = excluded.reason,
  is_gone = excluded.is_gone, told = excluded.told, told_at = excluded.told_at,
  disabled_at = excluded.disabled_at;

-- trim_receivers: those of a user that failed last stay
delete from receivers where user_id = :user_id and place in (
  select place from receivers where user_id = :user_id
  order by failed_at desc, place offset :keep
);

-- purge_receivers: those that failed long ago; the disabled stay so, but for single URLs
delete from receivers where failed_at < :before and (disabled_at is null or is_gone <> 0);

-- claim_mails: due ones, oldest first
with due as materialized (
  select mail_id from mails where status = 'pending' and next_attempt_at <= :at
  order by next_attempt_at, mail_id limit :limit
  for update skip locked
)
update mails set next_attempt_at = :until
where mail_id in (select mail_id from due)
returning mail_id, recipient, subject, body, created_at, next_attempt_at, attempts;

-- claim_copies: due ones, those of the oldest jobs first
with due as materialized (
  select jobid, number from copies where next_attempt_at <= :at
  order by next_attempt_at, jobid, number limit :limit
  for update skip locked
)
update copies set next_attempt_at = :until
where (jobid, number) in (select jobid, number from due)
returning jobid, number, attachment_id, attempts;

-- unused_files: those that no copy names go
with unused as materialized (
  select name from kept_files
  where not exists (select 1 from copies where copies.name = kept_files.name) limit :limit
  for update skip locked
)
delete from kept_files where name in (select name from unused)
returning name;

-- next_due: the first callback or mail that waits
select min(due) from (
  select min(next_attempt_at) as due from callbacks where status = 'pending'
  union all
  select min(next_attempt_at) from mails where status = 'pending'
) as moments;

-- jobs_after: a page of all jobs, oldest first, of one user or of all
select {job_columns} from jobs
where jobid > :after and (:user_id::bigint is null or user_id = :user_id::bigint)
order by jobid limit :limit;

-- purge_jobs: final jobs without open callbacks, oldest first; events and attempts go along (R40).
-- The rows that count jobs are folded: one per status
with over as materialized (
  select jobid from jobs
  where finished_at is not null and finished_at < :before
    and slot = 0 and (ghost = 0 or finished_at < :ghosts_before)
    and not exists (
      select 1 from callbacks where callbacks.jobid = jobs.jobid and status = 'pending'
    )
  order by finished_at limit :limit
  for update of jobs skip locked
),
gone as (
  delete from jobs where jobid in (select jobid from over) returning jobid
),
folded as (
  delete from job_counts returning status, number
),
kept as (
  insert into job_counts
  select status, sum(number) from folded group by status having sum(number) <> 0
)
select jobid from gone;

-- jobs_by_status: how many jobs are where
select status, sum(number)::bigint as number from job_counts group by status having sum(number) > 0;

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
  (select min(coalesce(submitted_at, updated_at)) from jobs where slot <> 0),
  (select min(created_at) from callbacks where status = 'pending'),
  (select min(created_at) from jobs where jobid in (select jobid from queue where waiting <> 0)),
  (select count(*) from queue where waiting <> 0),
  (select count(*) from commands where status = 'waiting');

-- foreign_commits: changes when a user or an account was changed, whoever did it; a change that is repeated
-- within an hour writes its entry again
select (select coalesce(max(number), 0) from audit) + (select coalesce(max(last_at), 0) from audit)
  as data_version;

-- add_tallies: more events, by key; in the order of keys, so that nobody waits in a ring
insert into tallies (kind, key, slice, number)
select :kind::text, key, {clock} / :slice::bigint * :slice::bigint, value::bigint
from json_each_text(:added::text::json) order by key
on conflict (kind, key, slice) do update set number = tallies.number + excluded.number;

-- tallies_of: how many events there are, and when the first slice of them began, by key
select key, sum(number)::bigint, min(slice), {clock} from tallies
where kind = :kind and key in (select json_array_elements_text(:keys::text::json))
  and slice > {clock} - :span::bigint
group by key having sum(number) > 0;

-- database_time: the moment of the database's clock, not of the transaction's beginning
select (extract(epoch from clock_timestamp()) * 1000000)::bigint;

-- latest_lease: when the last lease of a node ends that has not ended yet, and the time of now
select max(lease_until), max({clock}) from nodes where lease_until > {clock};
