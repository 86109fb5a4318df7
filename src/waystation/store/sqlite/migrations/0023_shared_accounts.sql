-- Accounts that an admin has shared with users beside their owner (R32). An account that is erased is
-- shared with nobody any more.

create table account_shares (
  account_id text not null references accounts (account_id) on delete cascade,
  user_id integer not null references users (user_id),
  since integer not null,
  primary key (account_id, user_id)
) strict, without rowid;

create index account_shares_of_user on account_shares (user_id);

-- The accounts that a user may use are read once, until their version changes.
create trigger account_shares_inserted after insert on account_shares begin
  update users set accounts_version = accounts_version + 1 where user_id = new.user_id;
end;

create trigger account_shares_deleted after delete on account_shares begin
  update users set accounts_version = accounts_version + 1 where user_id = old.user_id;
end;

drop trigger accounts_updated;
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
  where user_id in (old.user_id, new.user_id)
    or user_id in (select user_id from account_shares where account_id = new.account_id);
end;
