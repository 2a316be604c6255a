-- What is counted. Facts are narrow (a row per project, meter and period), so a new meter is a row and not a migration.
create table meters (
  id smallint primary key,
  slug text not null,
  kind text not null,
  unit text not null,
  -- Feeds the meter when it is owned by events; null otherwise.
  event_type text,
  aggregation text not null default 'sum',
  value_path text,
  -- What an event without a value counts; null: such an event is invalid.
  default_value numeric,
  -- Dimension name -> JSON path.
  group_by jsonb not null default '{}',
  -- Its one source: `events`, `mqtt`, or the name of a reading. A second source is refused.
  owner text not null,
  built_in boolean not null default false,
  created_at timestamptz not null default now(),
  constraint meter_slug_is_unique unique (slug),
  constraint meter_kind_is_known check (kind in ('counter', 'gauge')),
  constraint meter_aggregation_is_known
    check (aggregation in ('sum', 'count', 'min', 'max', 'latest', 'unique_count')),
  constraint meter_of_events_has_a_type check ((owner = 'events') = (event_type is not null))
);

create index meters_by_event_type on meters (event_type);

-- Appliers cache the catalogue and read this version in the applying transaction, under the catalogue's advisory lock
-- (shared; exclusive for whoever changes meters): an event is never applied with a catalogue that is out of date.
create table meter_catalogue (
  singleton boolean primary key default true,
  version bigint not null default 1,
  constraint meter_catalogue_has_one_row check (singleton)
);
insert into meter_catalogue default values;

insert into meters (id, slug, kind, unit, event_type, value_path, default_value, owner, built_in) values
  (1, 'mqtt_inbound', 'counter', 'message', null, null, null, 'mqtt', true),
  (2, 'mqtt_inbound_bytes', 'counter', 'byte', null, null, null, 'mqtt', true),
  (3, 'mqtt_inbound_units', 'counter', 'unit', null, null, null, 'mqtt', true),
  (4, 'mqtt_outbound', 'counter', 'message', null, null, null, 'mqtt', true),
  (5, 'mqtt_outbound_bytes', 'counter', 'byte', null, null, null, 'mqtt', true),
  (6, 'mqtt_outbound_units', 'counter', 'unit', null, null, null, 'mqtt', true),
  (7, 'api_calls', 'counter', 'call', 'api_calls', '$.value', 1, 'events', true),
  (8, 'logs', 'counter', 'line', 'logs', '$.value', 1, 'events', true),
  (9, 'sessions', 'counter', 'session', 'sessions', '$.value', 1, 'events', true),
  (10, 'deployments', 'counter', 'deployment', 'deployments', '$.value', 1, 'events', true),
  (11, 'logins', 'counter', 'login', 'logins', '$.value', 1, 'events', true),
  (12, 'docker_upload_bytes', 'counter', 'byte', 'docker_upload_bytes', '$.value', 1, 'events', true),
  (13, 'docker_download_bytes', 'counter', 'byte', 'docker_download_bytes', '$.value', 1, 'events', true),
  (14, 'data_transfer_bytes', 'counter', 'byte', 'data_transfer_bytes', '$.value', 1, 'events', true),
  (15, 'storage_bytes', 'gauge', 'byte', null, null, null, 'readings', true),
  (16, 's3_storage_bytes', 'gauge', 'byte', null, null, null, 'readings', true),
  (17, 'docker_storage_bytes', 'gauge', 'byte', null, null, null, 'readings', true),
  (18, 'logs_storage_bytes', 'gauge', 'byte', null, null, null, 'readings', true),
  (19, 'device_count', 'gauge', 'device', null, null, null, 'readings', true),
  (20, 'active_device_count', 'gauge', 'device', null, null, null, 'readings', true),
  (21, 'ecr_image_count', 'gauge', 'image', null, null, null, 'readings', true);
-- Ids below 1000 are ours, so that a later version can add built-in meters beside those an operator has declared.
create sequence meter_ids as smallint start 1000 minvalue 1000;
