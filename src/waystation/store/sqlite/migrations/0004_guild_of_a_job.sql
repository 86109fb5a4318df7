-- A job's answers name the guild of its channel, after the account is gone too.

alter table jobs add column server text;

update jobs set server = (
  select guild_id from accounts where accounts.account_id = jobs.account_id
);
