-- Post-hoc metrics: usage that nobody sends, worked out from logs afterwards. A window of a metric is asked for several
-- times; of each answer only the difference to the one before is shipped, as events.

-- Such a meter is fed by events, and by those of its metric only.
alter table meters drop constraint meter_of_events_has_a_type;
alter table meters add constraint meter_of_events_has_a_type
  check ((owner = 'events' or owner like 'posthoc:%') = (event_type is not null));

-- Who made an event: true, a post-hoc metric; false, a client, whose negative values lower no sum; null, a client whose event
-- was stored by a version before, which added them. Measuring an event again follows the rule by which it was counted.
alter table events add column posthoc boolean;

create function event_quantity(data jsonb, path jsonpath, when_missing numeric, may_lower boolean) returns numeric
language plpgsql immutable parallel safe as $$
declare
  quantity numeric := event_quantity(data, path, when_missing);
begin
  return case when may_lower or quantity >= 0 then quantity end;
end
$$;

create table posthoc_metrics (
  name text primary key,
  declaration jsonb not null,
  -- Windows that begin before it are asked for only when somebody wants them.
  first_window timestamptz not null,
  -- Windows that begin before it need not be looked at any more: each was asked for at the last of its times.
  settled_before timestamptz not null,
  -- Runs of windows that begin before it are forgotten, with what was believed of them. Whoever asked for such a window again
  -- would count it again.
  forgotten_before timestamptz,
  declared_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table posthoc_runs (
  id bigint generated always as identity primary key,
  metric text not null references posthoc_metrics (name),
  window_start timestamptz not null,
  window_end timestamptz not null,
  -- 1, 2, 3 … of a window; part of the ids of its events.
  revision integer not null,
  -- Seconds after the window's end at which it is due; null when somebody asked for it.
  due_after bigint,
  -- Whoever asked for it accepts that it falls.
  accept_fall boolean not null default false,
  state text not null default 'planned',
  -- Rises with every start. What an older attempt finds out is not written any more.
  attempt integer not null default 0,
  -- Of a failed one.
  retry_at timestamptz,
  -- What an engine of its own was asked with, and what it calls the query.
  request_token text,
  execution_id text,
  -- Of what that query was made of: its answer is none of a metric that is declared otherwise since.
  query_digest text,
  -- A query that runs elsewhere is waited for by jobs that come again: since when it runs says how often, and for how long.
  started_at timestamptz,
  -- When the query was asked whose answer this is.
  as_of timestamptz,
  -- What the answer had: rows, lines of logs that could not be read, bytes read, files read (null: the engine does not say),
  -- the sum of its values.
  answer_rows bigint,
  unmatched_lines bigint,
  scanned_bytes bigint,
  log_files integer,
  total numeric,
  -- What it has to ship: events, and the sum of their values.
  events bigint,
  difference numeric,
  -- How often its events were put into the queue.
  shipments integer not null default 0,
  shipped_at timestamptz,
  failure text,
  detail text,
  planned_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint posthoc_revision_is_unique unique (metric, window_start, revision),
  constraint posthoc_window_is_not_empty check (window_start < window_end),
  constraint posthoc_state_is_known check (
    state in ('planned', 'started', 'answered', 'shipped', 'done', 'failed', 'held', 'superseded')
  ),
  constraint posthoc_run_is_finished check ((state in ('done', 'held', 'superseded')) = (finished_at is not null)),
  constraint posthoc_failure_has_a_time check ((state = 'failed') = (retry_at is not null))
);
create index posthoc_runs_unfinished on posthoc_runs (window_start, id) where finished_at is null;
-- Held windows are few, and shown all the time.
create index posthoc_runs_held on posthoc_runs (metric, window_start) where state = 'held';

-- What an answer changed: rows whose value is another than the one before it had, those that are gone with 0. So the last
-- believed answer of a window is the newest row of each key, and what was shipped of it is the sum of their differences.
create table posthoc_answers (
  run_id bigint not null references posthoc_runs (id) on delete cascade,
  -- Digest of organization, project and dimensions.
  row_key uuid not null,
  organization text not null,
  project text not null,
  dimensions jsonb not null,
  value numeric not null,
  difference numeric not null,
  primary key (run_id, row_key),
  constraint posthoc_difference_is_one check (difference <> 0)
);

-- Answers that somebody wants to see, of which nothing is shipped.
create table posthoc_tests (
  id uuid primary key,
  metric text not null references posthoc_metrics (name),
  window_start timestamptz not null,
  window_end timestamptz not null,
  -- Of a query that runs elsewhere, since it was asked for.
  execution_id text,
  -- How often a query was begun that runs in the worker.
  attempt integer not null default 0,
  -- The answer, or what went wrong, once there is one.
  answer jsonb,
  failure text,
  asked_at timestamptz not null default now()
);
