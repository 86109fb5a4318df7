-- Who may learn of the host's network; granted on the host alone (R44).

alter table users add column is_admin integer not null default 0 check (is_admin in (0, 1));
