-- The caller's search finds a text that few prompts hold by each three characters in a row.
create extension if not exists pg_trgm;

-- Prompts added lately are not sorted in yet, and each search reads them all: so they are kept few.
create index job_texts_trigrams on job_texts using gin (prompt gin_trgm_ops)
with (gin_pending_list_limit = 512);
