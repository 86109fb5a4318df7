-- The trace of a job, so that whichever process goes on with it adds to the same one; null: none.
alter table jobs add column trace text; -- the traceparent of its POST's span
