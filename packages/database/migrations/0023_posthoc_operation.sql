-- Runs of windows that begin before it are forgotten, with what was believed of them. Whoever asked for such a window again
-- would count it again.
alter table posthoc_metrics add column forgotten_before timestamptz;

-- Held windows are few, and shown all the time.
create index posthoc_runs_held on posthoc_runs (metric, window_start) where state = 'held';
