-- A row of each transaction that wrote: it tells whether a commit whose answer was lost was made.
create table commit_marks (
  process bigint not null, -- drawn by each process at its start
  number bigint not null, -- of its transactions, counted from 1
  at bigint not null,
  primary key (process, number)
);
