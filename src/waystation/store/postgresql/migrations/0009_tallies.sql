-- How often something has happened lately, by kind and key: limits of the whole installation. Moments are
-- those of the database's clock.
create table tallies (
  kind text collate "C" not null,
  key text collate "C" not null,
  slice bigint not null, -- when it began
  number bigint not null,
  primary key (kind, key, slice)
);

create index tallies_over on tallies (kind, slice);
