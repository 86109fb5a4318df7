-- What a conversation knows beside its jobs, so that the next process knows it, too (R20).

create table seen_messages (
  number integer primary key autoincrement,
  account_id text not null references accounts (account_id) on delete cascade,
  kind text not null,
  id text not null,
  at integer not null,
  body blob not null,
  unique (account_id, kind, id)
) strict;

create index seen_messages_order on seen_messages (account_id, number);
create index seen_messages_age on seen_messages (at);

-- By what the jobs that are done were known, as far as it can still matter.
insert into seen_messages (account_id, kind, id, at, body)
select
  account_id, 'settled', jobid, finished_at,
  cast((
    select json_group_array(known) from (
      select nonce as known union select interaction_id union select hash
      union select key from json_each(coalesce(messages, '{}')) where value <> 'target'
    ) where known is not null
  ) as blob)
from jobs
where finished_at is not null and not ghost
  and account_id in (select account_id from accounts)
  and finished_at > (cast(strftime('%s', 'now') as integer) - 172800) * 1000000
order by finished_at desc limit 1000;
