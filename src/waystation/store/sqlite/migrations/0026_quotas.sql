-- Limits of a user's jobs, set by an admin, and of an account's jobs a day, set by its owner or an
-- admin; and how many jobs with a slot were taken in the day that was counted last. Days are UTC.

alter table users add column quotas text; -- JSON of `quotas.UserQuotas`; null: no limit
alter table users add column day integer not null default 0; -- since 1970
alter table users add column day_jobs integer not null default 0;

alter table accounts add column jobs_a_day integer check (jobs_a_day > 0); -- null: any number
alter table accounts add column day integer not null default 0;
alter table accounts add column day_jobs integer not null default 0;
alter table former_accounts add column jobs_a_day integer;
alter table former_accounts add column day integer not null default 0;
alter table former_accounts add column day_jobs integer not null default 0;

drop trigger accounts_updated;
create trigger accounts_updated after update on accounts
when (
  old.account_id, old.user_id, old.discord_user_id, old.channel, old.guild_id, old.max_jobs,
  old.sealed_token, old.masked_token, old.created_at, old.halt, old.halted_at, old.halt_cause,
  old.reset_at, old.removed_at, old.epoch, old.trouble, old.jobs_a_day
) is not (
  new.account_id, new.user_id, new.discord_user_id, new.channel, new.guild_id, new.max_jobs,
  new.sealed_token, new.masked_token, new.created_at, new.halt, new.halted_at, new.halt_cause,
  new.reset_at, new.removed_at, new.epoch, new.trouble, new.jobs_a_day
) begin
  update users set accounts_version = accounts_version + 1
  where user_id in (old.user_id, new.user_id)
    or user_id in (select user_id from account_shares where account_id = new.account_id);
end;
