-- Until when an account is given no job of the queue: Midjourney has said that its own queue is full.

alter table accounts add column rests_until integer;
