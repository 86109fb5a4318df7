-- Discord's times are compared with Discord's times, and what waits goes by a time of our own (R28).

-- The newest Discord id that the session had seen when the job was asked.
alter table jobs add column asked_after text;
-- How far the wall clock was ahead of the service's time when the job was accepted, microseconds.
alter table jobs add column wall_ahead integer not null default 0;
-- The newest Discord id that the session had seen at the last reset.
alter table accounts add column reset_after text;

-- Until now a minute was allowed for between both clocks; 1420070400000 is Discord's first
-- millisecond, the low 22 bits of an id are below its milliseconds.
update jobs set asked_after = cast(
  max(0, submitted_at / 1000 - 1420070400000 - 60000) << 22 as text
) where submitted_at is not null and (finished_at is null or ghost or slot);
update accounts set reset_after = cast(
  max(0, reset_at / 1000 - 1420070400000) << 22 as text
) where reset_at is not null;
