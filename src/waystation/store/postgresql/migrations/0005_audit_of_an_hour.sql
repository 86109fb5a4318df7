-- A change that one caller repeats within an hour is one entry of the audit: how often, and when last.
alter table audit add column times bigint not null default 1;
alter table audit add column last_at bigint not null default 0;
update audit set last_at = at;

create index audit_of_hour on audit (user_id, by, at);
