-- Accepted CloudEvents as they came. Written once, read by time; no primary key, because identity is event_keys' matter
-- and an index that nobody reads costs a third of the insert.
create table events (
  time timestamptz not null,
  key uuid not null,
  organization_id bigint,
  project_id bigint,
  device text,
  source text not null,
  id text not null,
  type text not null,
  subject text not null,
  data jsonb,
  attributes jsonb,
  -- False when the client gave no time and the time of receipt stands in.
  time_given boolean not null,
  ingested_at timestamptz not null,
  stored_at timestamptz not null default now(),
  validation_error text,
  -- organization/project, while no project of that name is registered.
  unattributed_to text,
  constraint event_has_an_owner check ((project_id is null) = (unattributed_to is not null))
) partition by range (time);

create index events_by_project on events (project_id, time);
-- Events arrive nearly in the order of their time, so a few pages of summaries find a window of any organization's, at
-- no cost to the insert. An organization's own events are its projects'.
create index events_by_time on events using brin (time);
create index events_unattributed on events (unattributed_to) where unattributed_to is not null;

-- The dedup claim, made in the transaction that counts. The key is a digest of (organization slug, source, event id);
-- time is not in it, so a retry with another timestamp is the same event. Hash-partitioned to keep each index small.
create table event_keys (
  key uuid not null,
  -- What the client meant (type, subject, time as given, data): the same key with another fingerprint is a conflict.
  fingerprint bigint not null,
  -- A claim lives 400 days from here.
  last_seen_on date not null,
  primary key (key)
) partition by hash (key);

do $$
begin
  for i in 0..7 loop
    execute format('create table event_keys_%s partition of event_keys for values with (modulus 8, remainder %s)', i, i);
  end loop;
end
$$;

-- An event whose key is taken by another payload: kept aside, never counted, never silently ignored.
create table event_conflicts (
  id bigint generated always as identity primary key,
  key uuid not null,
  fingerprint bigint not null,
  organization text not null,
  source text not null,
  event_id text not null,
  event jsonb not null,
  recorded_at timestamptz not null default now(),
  constraint event_conflict_is_recorded_once unique (key, fingerprint)
);
