-- What a conversation knows beside its jobs, so that the next process knows it, too (R20). It is of
-- a Discord user in a channel, whoever has the account (R19): it outlives an account that is removed.

create table seen_messages (
  number integer primary key autoincrement,
  discord_user_id text not null,
  channel text not null,
  kind text not null,
  id text not null,
  at integer not null,
  body blob not null,
  unique (discord_user_id, channel, kind, id)
) strict;

create index seen_messages_order on seen_messages (discord_user_id, channel, number);
create index seen_messages_age on seen_messages (at);

-- By what the jobs that are done were known, as far as it can still matter; the newest last.
insert into seen_messages (discord_user_id, channel, kind, id, at, body)
select discord_user_id, channel, 'settled', jobid, finished_at, known from (
  select
    coalesce(jobs.discord_user_id, accounts.discord_user_id) as discord_user_id,
    jobs.channel, jobid, finished_at,
    cast((
      select json_group_array(known) from (
        select nonce as known union select interaction_id union select hash
        union select key from json_each(coalesce(messages, '{}')) where value <> 'target'
      ) where known is not null
    ) as blob) as known,
    row_number() over (partition by jobs.account_id order by finished_at desc) as place
  from jobs left join accounts using (account_id)
  where finished_at is not null and not ghost
    and finished_at > (cast(strftime('%s', 'now') as integer) - 172800) * 1000000
)
where discord_user_id is not null and place <= 1000
order by finished_at;
