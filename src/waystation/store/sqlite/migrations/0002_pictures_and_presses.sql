-- What verbs with pictures and buttons need of a job.

alter table jobs add column flags integer not null default 0;
alter table jobs add column buttons text;
alter table jobs add column result text;
alter table jobs add column source_hash text;
alter table jobs add column modal text;
alter table jobs add column discord_user_id text;
alter table jobs add column parent_jobid text; -- taken from `params`, so that children are found
alter table jobs add column once text; -- parent and button, where a second press is refused

-- R38: U1 to U4 once per parent.
create unique index jobs_once on jobs (once) where once is not null;
create index jobs_children on jobs (parent_jobid) where parent_jobid is not null;
