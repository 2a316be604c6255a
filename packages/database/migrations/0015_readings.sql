-- SQL readings: what a query against the application's own database says. Declared in measured_targets.

-- How far a reading of windows has come.
create table reading_progress (
  name text primary key,
  -- The hour in which it was declared. Earlier ones are read when somebody asks for them.
  read_from timestamptz not null,
  -- Hours before it were read at least once; those a little before it are read again (reviseHours).
  read_through timestamptz not null,
  constraint reading_progress_hours_are_whole check (
    date_trunc('hour', read_from, 'UTC') = read_from and date_trunc('hour', read_through, 'UTC') = read_through
  )
);
