-- The newest change of a user or an account, of all entries: nodes look for it each second.
create index audit_last on audit (last_at);
