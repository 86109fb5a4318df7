-- A request of somebody with many accounts reads them once, not each time: a version per user says
-- whether any has changed. A lease that is renewed changes nothing that is read.

alter table users add column accounts_version integer not null default 0;

create trigger accounts_inserted after insert on accounts begin
  update users set accounts_version = accounts_version + 1 where user_id = new.user_id;
end;

create trigger accounts_deleted after delete on accounts begin
  update users set accounts_version = accounts_version + 1 where user_id = old.user_id;
end;

create trigger accounts_updated after update on accounts
when (
  old.account_id, old.user_id, old.discord_user_id, old.channel, old.guild_id, old.max_jobs,
  old.sealed_token, old.masked_token, old.created_at, old.halt, old.halted_at, old.halt_cause,
  old.reset_at, old.removed_at, old.epoch, old.trouble
) is not (
  new.account_id, new.user_id, new.discord_user_id, new.channel, new.guild_id, new.max_jobs,
  new.sealed_token, new.masked_token, new.created_at, new.halt, new.halted_at, new.halt_cause,
  new.reset_at, new.removed_at, new.epoch, new.trouble
) begin
  update users set accounts_version = accounts_version + 1
  where user_id in (old.user_id, new.user_id);
end;
