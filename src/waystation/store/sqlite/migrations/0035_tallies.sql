-- How often something has happened lately, by kind and key: limits of the whole installation.
create table tallies (
  kind text not null,
  key text not null,
  slice integer not null, -- when it began
  number integer not null,
  primary key (kind, key, slice)
) strict, without rowid;

create index tallies_over on tallies (kind, slice);
