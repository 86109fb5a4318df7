-- I2: at most one ask per channel is submitted, unbound and not yet unclear (R15).

alter table jobs add column unclear integer not null default 0 check (unclear in (0, 1));

drop index jobs_unbound;
create unique index jobs_in_flight_ask on jobs (channel)
  where status = 'submitted'
  and interaction_id is null and message_id is null and hash is null and not unclear;
