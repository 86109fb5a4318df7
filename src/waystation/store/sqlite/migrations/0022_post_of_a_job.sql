-- Until when the POST of a job may tell its end; null: it is over (R4).
alter table jobs add column post_until integer;
