-- Names of the keys of a node's vault, as JSON: what another node has sealed must be opened by each (R45).
alter table nodes add column keys text not null default '[]';
