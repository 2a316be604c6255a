-- Who produces, which lives (epochs) it has had, and which of their batches are applied. A job that carries usage is a
-- batch (epoch, seq), claimed in the transaction that applies it. An epoch is never forgotten: a dead letter that is
-- retried a year later must still find whether it was applied.
create table sources (
  source text primary key,
  kind text not null,
  -- The MQTT filter of the source's session, so that a changed one can be unsubscribed.
  filter text,
  created_at timestamptz not null default now(),
  constraint source_kind_is_known check (kind in ('events', 'mqtt'))
);

create table source_epochs (
  -- From Postgres and not from Redis, where a counter restarts after FLUSHALL and new batches would look like replays.
  epoch bigint generated always as identity primary key,
  source text not null references sources (source),
  instance text not null,
  opened_at timestamptz not null default now(),
  -- Batches above this seq are fenced: their producer had been replaced when they were sent. Null: the epoch is live.
  sealed_seq bigint,
  sealed_at timestamptz,
  -- Packet id whose PUBACK is withheld, as of the highest applied seq (mark_seq).
  mark integer,
  mark_seq bigint not null default 0,
  -- The producer's own word: the highest seq it knows durable, and its running totals then.
  acknowledged_seq bigint not null default 0,
  acknowledged_at timestamptz,
  received bigint not null default 0,
  rejected bigint not null default 0,
  accepted bigint not null default 0
);

create index source_epochs_by_source on source_epochs (source, epoch);

create table applied_batches (
  epoch bigint not null,
  seq bigint not null,
  applied_at timestamptz not null default now(),
  -- The producer's running totals up to and including this batch.
  received bigint not null,
  rejected bigint not null,
  accepted bigint not null,
  -- What this batch held, and what became of it.
  items integer not null,
  counted integer not null default 0,
  duplicate integer not null default 0,
  conflicting integer not null default 0,
  invalid integer not null default 0,
  unmetered integer not null default 0,
  unattributed integer not null default 0,
  dead integer not null default 0,
  primary key (epoch, seq),
  constraint batch_outcomes_add_up check (
    items = counted + duplicate + conflicting + invalid + unmetered + unattributed + dead
  )
);

-- Holes in what we know: a session the broker forgot, a mark that never came, a batch that Redis lost.
create table gaps (
  id bigint generated always as identity primary key,
  source text not null,
  epoch bigint,
  reason text not null,
  started_at timestamptz,
  ended_at timestamptz not null,
  detail jsonb not null default '{}',
  recorded_at timestamptz not null default now()
);
create index gaps_by_time on gaps (recorded_at);

-- Jobs and events that failed for good, kept with payload and reason. The payload is text, because what killed it may
-- be exactly that it is no valid jsonb.
create table dead_letters (
  id bigint generated always as identity primary key,
  queue text not null,
  job_id text not null,
  job_name text not null,
  payload text not null,
  reason text not null,
  attempts integer not null,
  -- Epoch, seq and number of items when the job carries a batch.
  epoch bigint,
  seq bigint,
  items integer not null default 0,
  failed_at timestamptz not null,
  stored_at timestamptz not null default now(),
  retried_at timestamptz,
  constraint dead_letter_is_stored_once unique (queue, job_id)
);
