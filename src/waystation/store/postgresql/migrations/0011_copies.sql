-- Files of jobs that are kept beside the database, and which of a job's attachments each of them is (R40).
create table kept_files (
  name text primary key,
  digest bytea not null unique, -- SHA-256: the same bytes are kept once
  size bigint not null,
  cuts_size bigint not null default 0 -- of the pictures that were cut of it
);

create table kept_cuts (
  name text not null references kept_files (name) on delete cascade,
  cut text not null,
  size bigint not null,
  primary key (name, cut)
);

create table copies (
  jobid text not null references jobs (jobid) on delete cascade,
  number bigint not null, -- of the attachment, from 0
  attachment_id text not null,
  name text references kept_files (name),
  attempts bigint not null default 0,
  next_attempt_at bigint, -- null: kept, or not wanted
  primary key (jobid, number)
);

create index copies_due on copies (next_attempt_at) where next_attempt_at is not null;
create index copies_of_file on copies (name, jobid) where name is not null;
create index copies_kept on copies (jobid) where name is not null;
