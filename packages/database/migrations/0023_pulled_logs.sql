-- Logs that somebody else keeps, read page by page from a checkpoint on.
create table pulled_logs (
  name text primary key,
  declaration jsonb not null,
  -- Rises whenever the checkpoint is moved: who has read an older one can move nothing any more.
  version bigint not null default 0,
  -- After what the next page begins; null until the first page is read, and as long as the log names none.
  checkpoint text,
  -- Whether the last page that was read was the log's end.
  caught_up boolean not null default false,
  -- When a page was read last, and when one was the log's end last: all that the log had then is in the events queue.
  read_at timestamptz,
  read_until timestamptz,
  -- When the newest item happened of those that are read, or the log was read to its end; null: nobody knows.
  position_at timestamptz,
  started_at timestamptz,
  -- The log wants to be left alone until then.
  retry_at timestamptz,
  -- Of the last reading, when it failed.
  failures integer not null default 0,
  failure text,
  detail text,
  declared_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint pulled_log_failure_is_counted check ((failures > 0) = (failure is not null))
);

-- A reading: the pages of one job.
create table pulled_log_runs (
  id bigint generated always as identity primary key,
  log text not null references pulled_logs (name) on delete cascade,
  state text not null default 'started',
  -- Where it began, and where it was last.
  checkpoint_from text,
  checkpoint_to text,
  pages integer not null default 0,
  -- What the pages had, and what became of it: events (counted once, whoever else delivers them), ignored, refused.
  items bigint not null default 0,
  events bigint not null default 0,
  ignored bigint not null default 0,
  refused bigint not null default 0,
  failure text,
  detail text,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint pulled_log_run_state_is_known check (state in ('started', 'done', 'failed', 'throttled', 'overtaken')),
  constraint pulled_log_run_is_finished check ((state = 'started') = (finished_at is null))
);
create index pulled_log_runs_by_log on pulled_log_runs (log, id);
