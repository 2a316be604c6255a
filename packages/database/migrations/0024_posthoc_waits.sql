-- A query that runs elsewhere is waited for by jobs that come again: since when it runs says how often, and for how long.
alter table posthoc_runs add column started_at timestamptz;

-- So does that of an answer that somebody wants to see. It runs since it was asked for.
alter table posthoc_tests add column execution_id text;
