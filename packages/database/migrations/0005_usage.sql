-- The facts. No foreign keys: each would cost a look-up per row on the hottest writes, ids come from the registry in the
-- same transaction, and nothing in the registry is ever deleted. Fillfactor leaves room for HOT updates: the
-- rows of the open hour are rewritten every second, often all rows of a page in one transaction, and none of their
-- indexed columns ever changes.
create table usage_hourly (
  project_id bigint not null,
  meter_id smallint not null,
  hour timestamptz not null,
  organization_id bigint not null,
  sum numeric not null,
  count bigint not null,
  min numeric,
  max numeric,
  last numeric,
  last_at timestamptz,
  primary key (project_id, meter_id, hour),
  constraint usage_hour_is_whole check (date_trunc('hour', hour, 'UTC') = hour)
) partition by range (hour);
create index usage_hourly_by_organization on usage_hourly (organization_id, hour);

-- The live month, written with every apply: reading a month from hours costs a thousand times more (a view joined on a
-- slug gets no push-down). Closing verifies that it equals the sum of its hours.
create table usage_monthly (
  project_id bigint not null,
  meter_id smallint not null,
  month timestamptz not null,
  organization_id bigint not null,
  sum numeric not null,
  count bigint not null,
  min numeric,
  max numeric,
  last numeric,
  last_at timestamptz,
  updated_at timestamptz not null default now(),
  primary key (project_id, meter_id, month),
  constraint usage_month_is_whole check (date_trunc('month', month, 'UTC') = month)
) with (fillfactor = 50);
create index usage_monthly_by_organization on usage_monthly (organization_id, month);

create table device_usage_daily (
  project_id bigint not null,
  device_id bigint not null,
  meter_id smallint not null,
  day timestamptz not null,
  organization_id bigint not null,
  sum numeric not null,
  count bigint not null,
  primary key (project_id, device_id, meter_id, day),
  constraint usage_day_is_whole check (date_trunc('day', day, 'UTC') = day)
) partition by range (day);

create table device_days (
  project_id bigint not null,
  device_id bigint not null,
  day timestamptz not null,
  primary key (project_id, device_id, day),
  constraint device_day_is_whole check (date_trunc('day', day, 'UTC') = day)
) partition by range (day);

-- Usage of names that are not registered and may not be discovered (any more this hour): kept, and applied when they are.
create table unattributed_usage (
  organization text not null,
  project text not null,
  -- Set when only the device is unknown: the project's usage is counted, and this is the device's share. Else ''.
  device text not null default '',
  meter_id smallint not null,
  hour timestamptz not null,
  sum numeric not null,
  count bigint not null,
  min numeric,
  max numeric,
  last numeric,
  last_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (organization, project, device, meter_id, hour)
);

-- Monthly partitions for every month that [from, to) touches. Called ahead of time and, for late events, on demand.
-- A table is made beside its parent and attached: `create table … partition of` would lock the parent against appliers.
create function create_month_partitions(from_time timestamptz, to_time timestamptz) returns integer
language plpgsql as $$
declare
  parent text;
  month timestamptz;
  name text;
  created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('odometer.partitions'));
  for month in
    select generate_series(date_trunc('month', from_time, 'UTC') at time zone 'UTC', to_time at time zone 'UTC', '1 month') at time zone 'UTC'
  loop
    foreach parent in array array['events', 'usage_hourly', 'device_usage_daily', 'device_days'] loop
      name := parent || '_' || to_char(month at time zone 'UTC', 'YYYY_MM');
      continue when to_regclass(name) is not null;
      execute format('create table %I (like %I including all)', name, parent);
      if parent in ('usage_hourly', 'device_usage_daily') then
        execute format('alter table %I set (fillfactor = 50)', name);
      end if;
      execute format('alter table %I attach partition %I for values from (%L) to (%L)',
        parent, name, month, (month at time zone 'UTC' + interval '1 month') at time zone 'UTC');
      created := created + 1;
    end loop;
  end loop;
  return created;
end
$$;

select create_month_partitions(now() - interval '1 month', now() + interval '2 months');
