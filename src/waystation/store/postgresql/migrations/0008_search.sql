-- The caller's search finds a text that few prompts hold by each three characters in a row.
do $$ begin
  create extension if not exists pg_trgm;
exception when insufficient_privilege or undefined_file or feature_not_supported then
  raise exception 'The extension pg_trgm, which the search of jobs needs, is not there and cannot be made (%): '
    'install the server''s package of extensions, or let its administrator run '
    '"create extension pg_trgm" in this database', sqlerrm;
end $$;

-- What was added lately is not sorted in yet, and each search reads it whole: so it is kept small.
create index job_texts_trigrams on job_texts using gin (prompt gin_trgm_ops)
with (gin_pending_list_limit = 512);
