-- R21: what a message says is found by the job that it has shown last.

create index jobs_message on jobs (message_id, updated_at) where message_id is not null;
