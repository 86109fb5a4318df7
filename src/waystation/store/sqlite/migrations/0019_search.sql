-- The caller's search. A job is found by its number, `user_id << 42 | milliseconds of the jobid`: the
-- jobs of one user lie together, oldest first. Older jobs are added in steps after the start.

create table job_finds (
  number integer primary key,
  jobid text not null
) strict;

-- Prompts, case folded, by each three characters in a row; the text itself is not kept here.
create virtual table job_texts using fts5 (
  prompt, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);

-- Jobs with ids below this are not in it yet; every jobid is below 'job;'.
insert into meta (name, value)
select 'search_below', 'job;' where exists (select 1 from jobs);
