-- What lies in buckets and registries, and for whom.

-- Declared with `odometer apply`; validated before it gets here. What is in no declared bucket is never counted.
create table buckets (
  id integer generated always as identity primary key,
  name text not null,
  -- As the store knows it: two stores may have a bucket of the same name.
  bucket text not null,
  region text not null,
  account text,
  endpoint text,
  declaration jsonb not null,
  -- Rises with every change of what its keys mean; objects are mapped again when it does.
  mapping_version integer not null default 1,
  -- The one by which all of its objects are mapped.
  mapped_version integer not null default 1,
  -- Byte-hours of what was there before are counted from here.
  declared_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- That it is no bucket which is declared already, under another name, is seen to by whoever declares: one endpoint can be
  -- written in many ways.
  constraint bucket_name_is_unique unique (name)
);

-- The ledger: a row for each object or version that was ever heard of. A removed one stays as a tombstone, so that a
-- notification which comes late finds what it is too late for.
--   no row → live ⇄ tombstone   (the null version: the newer sequencer holds)
--   no row → live → tombstone   (a version never changes, and once its removal is told it never comes back; a tombstone
--                                that only a listing made, with `listed_at`, another listing makes live again)
create table stored_objects (
  bucket_id integer not null references buckets (id),
  -- A hash of it in a bucket whose ledger is `hashed`. Bytes, not language: keys are compared as S3 lists them.
  key text collate "C" not null,
  -- '' is the null version.
  version text collate "C" not null default '',
  -- Null: nobody's.
  organization_id bigint,
  project_id bigint,
  -- `organization/project` as the key has it, when that was not known.
  unattributed_to text,
  metered_object_type text not null,
  object_id text,
  -- Of a tombstone: what it was.
  size_bytes bigint not null,
  storage_class text,
  live boolean not null,
  -- Comparable (trailing zeros cut off); '' when a listing told of it.
  sequencer text collate "C" not null,
  -- By the store's clock, as everything here: when it came into being, and what it was changed by last.
  created_at timestamptz not null,
  changed_at timestamptz not null,
  -- Nothing is counted for its owner from before this: until then it was counted for another one, or a clock was so wrong
  -- that nobody knows what was.
  owned_since timestamptz,
  -- Set by a correction: the listing knew all that had happened up to this, so older notifications change nothing.
  listed_at timestamptz,
  -- The last listing that saw it; kept only where keys are hashed and cannot be compared in order.
  seen_by bigint,
  -- What it was before the statement that changed it last, for that statement to return the difference.
  previous_live boolean,
  previous_bytes bigint,
  previous_sequencer text collate "C",
  primary key (bucket_id, key, version),
  constraint object_size_is_not_negative check (size_bytes >= 0)
);
-- In the order in which orphans are paged. Without the version: with it, the longest keys and ids would not fit into an index.
create index stored_objects_by_owner on stored_objects (project_id, metered_object_type, object_id, bucket_id, key)
  where object_id is not null and live;
-- In the order in which objects are locked. A name is short.
create index stored_objects_unattributed on stored_objects (unattributed_to, bucket_id, key, version)
  where unattributed_to is not null;
-- Tombstones are forgotten once no queue can hold a notification from before them.
create index stored_objects_tombstones on stored_objects (changed_at) where not live;

-- The live objects of the ledger, added up: changed in the transaction that changes the ledger. Project 0 is nobody.
create table storage_levels (
  bucket_id integer not null references buckets (id),
  project_id bigint not null,
  metered_object_type text not null,
  bytes numeric not null default 0,
  objects bigint not null default 0,
  primary key (bucket_id, project_id, metered_object_type)
);
create index storage_levels_by_project on storage_levels (project_id);

-- What registries hold for a project, as of the last complete measurement.
create table registry_levels (
  registry text not null,
  project_id bigint not null,
  organization_id bigint not null,
  -- Distinct blobs of its repositories, each once.
  bytes numeric not null,
  -- What the provider itself says; it counts shared layers more than once.
  provider_bytes numeric,
  images bigint not null,
  measured_at timestamptz not null,
  primary key (registry, project_id)
);
create index registry_levels_by_project on registry_levels (project_id);

-- A row for each project that has anything stored. It is locked before the project's levels are, so whoever holds it reads
-- levels that are whole.
create table storage_accounts (
  project_id bigint primary key,
  organization_id bigint not null,
  -- Its levels changed since its gauges were read.
  unread boolean not null default true,
  -- Byte-hours are settled up to here (exclusive): the bytes there were then, and what was left over of a byte-hour.
  settled_through timestamptz not null default '-infinity',
  settled_bytes numeric not null default 0,
  remaining_byte_ms numeric not null default 0
);
create index storage_accounts_unread on storage_accounts (project_id) where unread;

-- Changes of a project's bytes in an hour that is not settled yet: how much, and the product of each change and the
-- milliseconds from it to the hour's end. Sums of both do not depend on the order in which changes come. A change of an
-- hour that is settled already is booked in the first one that is not, with the milliseconds from when it really was.
create table storage_changes (
  project_id bigint not null,
  hour timestamptz not null,
  bytes numeric not null default 0,
  byte_ms numeric not null default 0,
  primary key (project_id, hour),
  constraint storage_change_hour_is_whole check (date_trunc('hour', hour, 'UTC') = hour)
);
create index storage_changes_by_hour on storage_changes (hour);

-- The same for names that nobody has registered. They are not settled; when a name is registered, they move to its project.
create table unattributed_storage_changes (
  organization text not null,
  project text not null,
  hour timestamptz not null,
  bytes numeric not null default 0,
  byte_ms numeric not null default 0,
  primary key (organization, project, hour),
  constraint unattributed_storage_change_hour_is_whole check (date_trunc('hour', hour, 'UTC') = hour)
);

-- Up to here (exclusive) nothing is added to storage_changes any more; moved under the storage lock.
create table storage_settlement (
  singleton boolean primary key default true,
  settled_through timestamptz not null,
  constraint storage_settlement_has_one_row check (singleton)
);
insert into storage_settlement (settled_through) values (date_trunc('hour', now(), 'UTC'));

-- Whatever is measured by asking for it, besides buckets: registries, SQL readings, cross-checks.
create table measured_targets (
  kind text not null,
  name text not null,
  declaration jsonb not null,
  updated_at timestamptz not null default now(),
  primary key (kind, name),
  constraint measured_target_kind_is_known check (kind in ('registry', 'reading', 'cross_check'))
);

-- Each time that something was measured.
--   running → complete | refused (the result was not believed) | failed (there is no result: missing, never zero)
create table measurements (
  id bigint generated always as identity primary key,
  kind text not null,
  target text not null,
  -- Why: every hour, or because somebody asked.
  purpose text not null,
  options jsonb not null default '{}',
  state text not null default 'running',
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  -- Which process is at it, and until when nobody else may take it up.
  holder uuid,
  held_until timestamptz,
  -- Enough to go on where it stopped.
  progress jsonb not null default '{}',
  figures jsonb not null default '{}',
  -- Code of the error, and what it said.
  failure text,
  detail text,
  constraint measurement_kind_is_known check (kind in ('bucket', 'registry', 'reading', 'cross_check')),
  constraint measurement_purpose_is_known check (purpose in ('hourly', 'asked', 'backfill', 'reconcile')),
  constraint measurement_state_is_known check (state in ('running', 'complete', 'refused', 'failed')),
  constraint measurement_ends_once check ((state = 'running') = (finished_at is null))
);
create unique index measurement_runs_alone on measurements (kind, target) where state = 'running';
create index measurements_by_target on measurements (kind, target, id desc);
-- When a target was measured last is asked of each of them by every bell, however long one has failed.
create index measurements_with_result on measurements (kind, target, id desc) where state in ('complete', 'refused');

-- Those with a result about all of their target, believed or not. One that only looked has measured nothing, and one of
-- hours that somebody named has left out the others. Whatever asks when a target was measured last asks here.
create view whole_measurements as
select id, kind, target, purpose, state, started_at, finished_at, progress, figures
from measurements
where state in ('complete', 'refused') and options ->> 'dryRun' is distinct from 'true' and options ->> 'from' is null;

-- Parts of a listing: keys after `after_key` (exclusive) up to `until_key` (inclusive; null: to the end).
create table listing_shards (
  measurement_id bigint not null references measurements (id) on delete cascade,
  shard integer not null,
  after_key text collate "C",
  until_key text collate "C",
  -- Where the next page begins: after this one.
  at_key text collate "C",
  done boolean not null default false,
  -- Read so far. The next listing of the bucket is cut where this one turned out to be long.
  pages integer not null default 0,
  primary key (measurement_id, shard)
);
-- What a listing has seen so far, by owner. Project 0 is nobody.
create table listing_sums (
  measurement_id bigint not null references measurements (id) on delete cascade,
  project_id bigint not null,
  metered_object_type text not null,
  bytes numeric not null,
  objects bigint not null,
  primary key (measurement_id, project_id, metered_object_type)
);
-- Live in the ledger and not in the listing: taken out when the listing is complete, and is believed.
create table vanished_objects (
  measurement_id bigint not null references measurements (id) on delete cascade,
  bucket_id integer not null,
  key text collate "C" not null,
  version text collate "C" not null,
  size_bytes bigint not null,
  -- The page that should have had it knew all that had happened up to this.
  listed_at timestamptz not null,
  primary key (measurement_id, key, version)
);

-- What listings have put right, each with its reason.
create table object_corrections (
  id bigint generated always as identity primary key,
  measurement_id bigint not null,
  bucket_id integer not null,
  key text not null,
  version text not null,
  project_id bigint,
  reason text not null,
  bytes numeric not null,
  objects integer not null,
  corrected_at timestamptz not null default now(),
  constraint correction_reason_is_known check (reason in ('missed_creation', 'missed_change', 'missed_removal'))
);
create index object_corrections_by_measurement on object_corrections (measurement_id);

-- Objects that belong to these are orphans. An object's owner is deleted for good, unless whoever said so takes it back.
create table deleted_owners (
  project_id bigint not null,
  object_type text not null,
  object_id text not null,
  deleted_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  -- Whose word it is: `event:` and the event's source, or `key:` and the API key's id.
  recorded_by text not null,
  primary key (project_id, object_type, object_id)
);

insert into meters (id, slug, kind, unit, event_type, value_path, default_value, owner, built_in) values
  (22, 's3_object_count', 'gauge', 'object', null, null, null, 'readings', true),
  (23, 's3_byte_hours', 'counter', 'byte_hour', null, null, null, 'readings', true);

alter table sources drop constraint source_kind_is_known;
alter table sources add constraint source_kind_is_known check (kind in ('events', 'mqtt', 'objects'));

-- The ledger by its public name: a row per stored object.
create view usage_data as
select
  o.bucket_id,
  o.key,
  o.version,
  o.organization_id,
  o.project_id,
  o.metered_object_type,
  o.object_id,
  -- A hash is no place.
  case when b.declaration ->> 'ledger' = 'hashed' then null else 's3://' || b.bucket || '/' || o.key end as object_location,
  o.size_bytes as usage_amount,
  o.storage_class,
  o.sequencer,
  o.live,
  o.unattributed_to,
  o.created_at,
  o.changed_at as updated_at
from stored_objects o
join buckets b on b.id = o.bucket_id;
