-- What an accepted job needs to be asked (pictures, mask, press), until it was asked or has ended:
-- the next process can send it. All of it is sealed. Large pictures are written before their job,
-- piece by piece, so that no write holds up others for long; until then `jobid` is null.

create table job_inputs (
  input_id text primary key,
  user_id integer not null references users (user_id),
  jobid text unique references jobs (jobid) on delete cascade,
  bytes integer not null check (bytes >= 0), -- of its pictures, before they were sealed
  at integer not null,
  plan blob not null
) strict, without rowid;

create index job_inputs_owner on job_inputs (user_id, bytes);

create table job_input_parts (
  input_id text not null references job_inputs (input_id) on delete cascade,
  number integer not null,
  sealed blob not null check (length(sealed) <= 1048576),
  primary key (input_id, number)
) strict;
