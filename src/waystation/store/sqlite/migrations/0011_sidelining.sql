-- How Discord has refused an account lately: the JSON of `sidelining.Trouble` (R50).

alter table accounts add column trouble text;
alter table former_accounts add column trouble text;
