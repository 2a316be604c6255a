-- The views below are a few index scans that Postgres takes for a million rows, and compiles: three seconds for a
-- millisecond of work. Who may not alter the database sets `jit = off` in its configuration.
do $$
begin
  execute format('alter database %I set jit = off', current_database());
exception when insufficient_privilege then
  raise notice 'set jit = off for this database: its views are read a thousand times faster';
end
$$;

-- What people query: the familiar wide columns over the narrow facts. Everything hangs on lateral joins, so that one project by
-- id, or by a join on its slug, costs a few index scans; a plain `group by` gets no push-down and reads everybody's rows.

drop view project_stats;

-- The current month, resource counts, storage now and lifetime of each project. The lifetime has what was late as well.
create view project_stats as
select
  p.id as project_id,
  p.organization_id,
  date_trunc('month', now(), 'UTC') as month,
  m.logs, m.sessions, m.mqtt_inbound, m.mqtt_outbound, m.api_calls, m.deployments, m.logins,
  m.docker_upload_bytes, m.docker_download_bytes, m.data_transfer_bytes,
  g.total_storage_bytes, g.total_s3_storage_bytes, g.total_docker_storage_bytes, g.total_logs_storage_bytes,
  d.total_devices, d.active_devices,
  g.current_ecr_images,
  m.mqtt_inbound_bytes, m.mqtt_inbound_units, m.mqtt_outbound_bytes, m.mqtt_outbound_units,
  m.lifetime_logs, m.lifetime_sessions, m.lifetime_mqtt_inbound, m.lifetime_mqtt_outbound, m.lifetime_api_calls, m.lifetime_deployments, m.lifetime_logins, m.lifetime_docker_upload_bytes, m.lifetime_docker_download_bytes, m.lifetime_data_transfer_bytes, m.lifetime_mqtt_inbound_bytes, m.lifetime_mqtt_inbound_units, m.lifetime_mqtt_outbound_bytes, m.lifetime_mqtt_outbound_units,
  coalesce(m.updated_at, p.created_at) as updated_at
from projects p
cross join lateral (
  select
    coalesce(sum(u.current) filter (where u.meter_id = 8), 0) as logs,
    coalesce(sum(u.current) filter (where u.meter_id = 9), 0) as sessions,
    coalesce(sum(u.current) filter (where u.meter_id = 1), 0) as mqtt_inbound,
    coalesce(sum(u.current) filter (where u.meter_id = 4), 0) as mqtt_outbound,
    coalesce(sum(u.current) filter (where u.meter_id = 7), 0) as api_calls,
    coalesce(sum(u.current) filter (where u.meter_id = 10), 0) as deployments,
    coalesce(sum(u.current) filter (where u.meter_id = 11), 0) as logins,
    coalesce(sum(u.current) filter (where u.meter_id = 12), 0) as docker_upload_bytes,
    coalesce(sum(u.current) filter (where u.meter_id = 13), 0) as docker_download_bytes,
    coalesce(sum(u.current) filter (where u.meter_id = 14), 0) as data_transfer_bytes,
    coalesce(sum(u.current) filter (where u.meter_id = 2), 0) as mqtt_inbound_bytes,
    coalesce(sum(u.current) filter (where u.meter_id = 3), 0) as mqtt_inbound_units,
    coalesce(sum(u.current) filter (where u.meter_id = 5), 0) as mqtt_outbound_bytes,
    coalesce(sum(u.current) filter (where u.meter_id = 6), 0) as mqtt_outbound_units,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 8), 0) as lifetime_logs,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 9), 0) as lifetime_sessions,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 1), 0) as lifetime_mqtt_inbound,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 4), 0) as lifetime_mqtt_outbound,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 7), 0) as lifetime_api_calls,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 10), 0) as lifetime_deployments,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 11), 0) as lifetime_logins,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 12), 0) as lifetime_docker_upload_bytes,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 13), 0) as lifetime_docker_download_bytes,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 14), 0) as lifetime_data_transfer_bytes,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 2), 0) as lifetime_mqtt_inbound_bytes,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 3), 0) as lifetime_mqtt_inbound_units,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 5), 0) as lifetime_mqtt_outbound_bytes,
    coalesce(sum(u.lifetime) filter (where u.meter_id = 6), 0) as lifetime_mqtt_outbound_units,
    max(u.updated_at) as updated_at
  from (
    -- By meter first: the wide columns are then asked of a dozen rows, however many months there are.
    select x.meter_id, sum(x.sum) as lifetime, sum(x.sum) filter (where x.month = t.month) as current,
      max(x.updated_at) as updated_at
    from (select date_trunc('month', now(), 'UTC') as month offset 0) t
    cross join lateral (
      select u.meter_id, u.month, u.sum, u.updated_at
      from usage_monthly u
      where u.project_id = p.id and u.meter_id <= 14
      union all
      select a.meter_id, null, a.sum, a.created_at
      from usage_adjustments a
      where a.project_id = p.id and a.meter_id <= 14
    ) x
    group by x.meter_id
  ) u
) m
cross join lateral (
  -- Gauges: the last reading of the newest month that has one; an archived project has nothing any more.
  select
    coalesce(max(l.last) filter (where l.meter_id = 15), 0) as total_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 16), 0) as total_s3_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 17), 0) as total_docker_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 18), 0) as total_logs_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 21), 0) as current_ecr_images
  from (
    select distinct on (u.meter_id) u.meter_id, u.last
    from usage_monthly u
    where u.project_id = p.id and u.meter_id between 15 and 21 and p.archived_at is null
    order by u.meter_id, u.month desc
  ) l
) g
cross join lateral (
  select
    count(*) as total_devices,
    count(*) filter (where v.last_seen_at > now() - interval '24 hours') as active_devices
  from devices v
  where v.project_id = p.id
) d;

-- One project's usage of one day: as refreshed, or from the hours while some of them are newer than that. So days add up
-- to the month at any time, not only after the next refresh. A gauge that was not read yet that day has the last value of
-- the five weeks before.
create function project_day(the_project bigint, the_day date)
returns table (meter_id smallint, sum numeric, count bigint, last numeric)
language sql stable rows 20 as $$
  with changed as materialized (
    select exists (select from changed_days c where c.project_id = the_project and c.day = the_day) as is_so
  ), rows as (
    select d.meter_id, d.sum, d.count, d.last
    from usage_daily d
    where d.project_id = the_project and d.day = the_day
      -- Devices are counted by the snapshot, and a gauge that was not read is carried by it: no hour knows them.
      and (d.meter_id in (19, 20) or not (select is_so from changed) or (d.count = 0 and not exists (
        select from usage_hourly h
        where h.project_id = the_project and h.meter_id = d.meter_id
          and h.hour >= the_day::timestamp at time zone 'UTC' and h.hour < (the_day + 1)::timestamp at time zone 'UTC')))
    union all
    select h.meter_id, sum(h.sum), sum(h.count)::bigint, (array_agg(h.last order by h.last_at desc nulls last))[1]
    from usage_hourly h
    where (select is_so from changed) and h.project_id = the_project
      and h.hour >= the_day::timestamp at time zone 'UTC' and h.hour < (the_day + 1)::timestamp at time zone 'UTC'
    group by h.meter_id
  )
  select * from rows
  union all
  select * from (
    select distinct on (d.meter_id) d.meter_id, 0::numeric, 0::bigint, d.last
    from usage_daily d
    where not exists (select from snapshots s where s.day = the_day and s.taken_at is not null)
      and d.project_id = the_project and d.day >= the_day - 35 and d.day < the_day and d.last is not null
      and d.meter_id in (select m.id from meters m where m.kind = 'gauge' and m.owner <> 'events')
      and d.meter_id not in (select r.meter_id from rows r)
      and not exists (
        select from projects p where p.id = the_project and p.archived_at < the_day::timestamp at time zone 'UTC')
    order by d.meter_id, d.day desc
  ) carried
$$;

-- A row for every day of every project; a project without usage has its zeros.
create view daily_stats as
select
  p.id as project_id, d.date, p.organization_id,
  extract(year from d.date)::integer as year, extract(month from d.date)::integer as month,
  extract(day from d.date)::integer as day,
  u.logs, u.sessions, u.mqtt_inbound, u.mqtt_outbound, u.api_calls, u.deployments, u.logins,
  u.storage_bytes, u.s3_storage_bytes, u.docker_storage_bytes, u.logs_storage_bytes,
  u.docker_upload_bytes, u.docker_download_bytes, u.data_transfer_bytes,
  u.device_count, u.active_device_count, u.ecr_image_count,
  u.mqtt_inbound_bytes, u.mqtt_inbound_units, u.mqtt_outbound_bytes, u.mqtt_outbound_units,
  exists (
    select from periods f
    where f.organization_id = p.organization_id and f.state = 'final'
      and f.month = date_trunc('month', d.date::timestamp) at time zone 'UTC'
  ) as final
from projects p
cross join lateral (
  -- Every day since the project was made, until it was archived or today, and any other day on which it has usage.
  select g::date as date
  from generate_series(
    (p.created_at at time zone 'UTC')::date,
    least((p.archived_at at time zone 'UTC')::date, (now() at time zone 'UTC')::date), '1 day') g
  union
  select distinct x.day from usage_daily x where x.project_id = p.id
  union
  select c.day from changed_days c where c.project_id = p.id
) d
cross join lateral (
  select
    coalesce(sum(u.sum) filter (where u.meter_id = 8), 0) as logs,
    coalesce(sum(u.sum) filter (where u.meter_id = 9), 0) as sessions,
    coalesce(sum(u.sum) filter (where u.meter_id = 1), 0) as mqtt_inbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 4), 0) as mqtt_outbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 7), 0) as api_calls,
    coalesce(sum(u.sum) filter (where u.meter_id = 10), 0) as deployments,
    coalesce(sum(u.sum) filter (where u.meter_id = 11), 0) as logins,
    coalesce(sum(u.sum) filter (where u.meter_id = 12), 0) as docker_upload_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 13), 0) as docker_download_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 14), 0) as data_transfer_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 2), 0) as mqtt_inbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 3), 0) as mqtt_inbound_units,
    coalesce(sum(u.sum) filter (where u.meter_id = 5), 0) as mqtt_outbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 6), 0) as mqtt_outbound_units,
    coalesce(sum(u.last) filter (where u.meter_id = 15), 0) as storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 16), 0) as s3_storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 17), 0) as docker_storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 18), 0) as logs_storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 19), 0) as device_count,
    coalesce(sum(u.last) filter (where u.meter_id = 20), 0) as active_device_count,
    coalesce(sum(u.last) filter (where u.meter_id = 21), 0) as ecr_image_count
  from project_day(p.id, d.date) u
) u;

-- One organization's usage of one day, by meter. A function that is not inlined (strict), because else the planner adds up
-- what every partition of every day might cost, and compiles for seconds (jit) what runs for milliseconds.
create function organization_day(the_organization bigint, the_day date)
returns table (meter_id smallint, sum numeric, last numeric)
language sql stable strict rows 21 as $$
  -- By meter first: the columns of the view are asked once for each row that they get.
  select v.meter_id, sum(v.sum) as sum, sum(v.last) as last
  from (
    -- Days that are refreshed, all at once; the others project by project.
    select x.meter_id, x.sum, x.last
    from usage_daily x
    where x.organization_id = the_organization and x.day = the_day
      and exists (select from snapshots s where s.day = the_day and s.taken_at is not null)
      and not exists (select from changed_days c where c.project_id = x.project_id and c.day = x.day)
    union all
    select y.meter_id, y.sum, y.last
    from projects q
    cross join lateral project_day(q.id, the_day) y
    where q.organization_id = the_organization
      and (not exists (select from snapshots s where s.day = the_day and s.taken_at is not null)
        or exists (select from changed_days c where c.project_id = q.id and c.day = the_day))
  ) v
  group by v.meter_id
$$;

create view organization_daily_stats as
select
  o.id as organization_id, d.date,
  extract(year from d.date)::integer as year, extract(month from d.date)::integer as month,
  extract(day from d.date)::integer as day,
  u.logs, u.sessions, u.mqtt_inbound, u.mqtt_outbound, u.api_calls, u.deployments, u.logins,
  u.storage_bytes, u.s3_storage_bytes, u.docker_storage_bytes, u.logs_storage_bytes,
  u.docker_upload_bytes, u.docker_download_bytes, u.data_transfer_bytes,
  u.device_count, u.active_device_count, u.ecr_image_count,
  u.mqtt_inbound_bytes, u.mqtt_inbound_units, u.mqtt_outbound_bytes, u.mqtt_outbound_units,
  exists (
    select from periods f
    where f.organization_id = o.id and f.state = 'final'
      and f.month = date_trunc('month', d.date::timestamp) at time zone 'UTC'
  ) as final
from organizations o
cross join lateral (
  select g::date as date
  from generate_series(
    (o.created_at at time zone 'UTC')::date,
    least((o.archived_at at time zone 'UTC')::date, (now() at time zone 'UTC')::date), '1 day') g
  union
  select distinct x.day from usage_daily x where x.organization_id = o.id
  union
  select c.day from changed_days c join projects q on q.id = c.project_id where q.organization_id = o.id
) d
cross join lateral (
  select
    coalesce(sum(u.sum) filter (where u.meter_id = 8), 0) as logs,
    coalesce(sum(u.sum) filter (where u.meter_id = 9), 0) as sessions,
    coalesce(sum(u.sum) filter (where u.meter_id = 1), 0) as mqtt_inbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 4), 0) as mqtt_outbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 7), 0) as api_calls,
    coalesce(sum(u.sum) filter (where u.meter_id = 10), 0) as deployments,
    coalesce(sum(u.sum) filter (where u.meter_id = 11), 0) as logins,
    coalesce(sum(u.sum) filter (where u.meter_id = 12), 0) as docker_upload_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 13), 0) as docker_download_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 14), 0) as data_transfer_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 2), 0) as mqtt_inbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 3), 0) as mqtt_inbound_units,
    coalesce(sum(u.sum) filter (where u.meter_id = 5), 0) as mqtt_outbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 6), 0) as mqtt_outbound_units,
    coalesce(sum(u.last) filter (where u.meter_id = 15), 0) as storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 16), 0) as s3_storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 17), 0) as docker_storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 18), 0) as logs_storage_bytes,
    coalesce(sum(u.last) filter (where u.meter_id = 19), 0) as device_count,
    coalesce(sum(u.last) filter (where u.meter_id = 20), 0) as active_device_count,
    coalesce(sum(u.last) filter (where u.meter_id = 21), 0) as ecr_image_count
  from organization_day(o.id, d.date) u
) u;

-- The months from one instant's to another's. In a function, because the planner takes a series without constants for a
-- thousand rows, a page of the views below for a hundred times its work, and compiles it (jit).
create function months_between(first timestamptz, last timestamptz) returns setof timestamptz
language sql stable strict rows 12 as $$
  select g at time zone 'UTC'
  from generate_series(date_trunc('month', first at time zone 'UTC'), last at time zone 'UTC', '1 month') g
$$;

-- A row for every month of every project. Averages, tier and charge are there once the month is drafted; the lifetime is
-- as of the month's end, with the adjustments billed until then.
create view monthly_stats as
select
  p.id as project_id, p.organization_id,
  extract(year from c.month at time zone 'UTC')::integer as year,
  extract(month from c.month at time zone 'UTC')::integer as month,
  u.logs, u.sessions, u.mqtt_inbound, u.mqtt_outbound, u.api_calls, u.deployments, u.logins,
  u.docker_upload_bytes, u.docker_download_bytes, u.data_transfer_bytes,
  u.mqtt_inbound_bytes, u.mqtt_inbound_units, u.mqtt_outbound_bytes, u.mqtt_outbound_units,
  u.peak_storage_bytes, u.peak_s3_storage_bytes, u.peak_docker_storage_bytes, u.peak_logs_storage_bytes,
  u.average_storage_bytes, u.average_s3_storage_bytes, u.average_docker_storage_bytes, u.average_logs_storage_bytes,
  l.lifetime_logs, l.lifetime_sessions, l.lifetime_mqtt_inbound, l.lifetime_mqtt_outbound, l.lifetime_api_calls, l.lifetime_deployments, l.lifetime_logins, l.lifetime_docker_upload_bytes, l.lifetime_docker_download_bytes, l.lifetime_data_transfer_bytes, l.lifetime_mqtt_inbound_bytes, l.lifetime_mqtt_inbound_units, l.lifetime_mqtt_outbound_bytes, l.lifetime_mqtt_outbound_units,
  x.tier, coalesce(x.exceeded_limits, '{}') as exceeded_limits, coalesce(x.overage_charge, 0) as overage_charge, x.currency,
  coalesce(f.state, 'open') as state
from projects p
cross join lateral (
  select g as month from months_between(p.created_at, least(p.archived_at, now())) g
  union
  select m.month from usage_monthly m where m.project_id = p.id
  union
  -- Late usage is billed in months in which there may be nothing else.
  select a.billed_month from usage_adjustments a where a.project_id = p.id
) c
cross join lateral (
  select
    coalesce(sum(m.sum) filter (where m.meter_id = 8), 0) as logs,
    coalesce(sum(m.sum) filter (where m.meter_id = 9), 0) as sessions,
    coalesce(sum(m.sum) filter (where m.meter_id = 1), 0) as mqtt_inbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 4), 0) as mqtt_outbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 7), 0) as api_calls,
    coalesce(sum(m.sum) filter (where m.meter_id = 10), 0) as deployments,
    coalesce(sum(m.sum) filter (where m.meter_id = 11), 0) as logins,
    coalesce(sum(m.sum) filter (where m.meter_id = 12), 0) as docker_upload_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 13), 0) as docker_download_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 14), 0) as data_transfer_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 2), 0) as mqtt_inbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 3), 0) as mqtt_inbound_units,
    coalesce(sum(m.sum) filter (where m.meter_id = 5), 0) as mqtt_outbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 6), 0) as mqtt_outbound_units,
    coalesce(sum(m.max) filter (where m.meter_id = 15), 0) as peak_storage_bytes,
    coalesce(sum(m.max) filter (where m.meter_id = 16), 0) as peak_s3_storage_bytes,
    coalesce(sum(m.max) filter (where m.meter_id = 17), 0) as peak_docker_storage_bytes,
    coalesce(sum(m.max) filter (where m.meter_id = 18), 0) as peak_logs_storage_bytes,
    sum(m.average) filter (where m.meter_id = 15) as average_storage_bytes,
    sum(m.average) filter (where m.meter_id = 16) as average_s3_storage_bytes,
    sum(m.average) filter (where m.meter_id = 17) as average_docker_storage_bytes,
    sum(m.average) filter (where m.meter_id = 18) as average_logs_storage_bytes
  from usage_monthly m
  where m.project_id = p.id and m.month = c.month and m.meter_id <= 21
) u
cross join lateral (
  select
    coalesce(sum(m.sum) filter (where m.meter_id = 8), 0) as lifetime_logs,
    coalesce(sum(m.sum) filter (where m.meter_id = 9), 0) as lifetime_sessions,
    coalesce(sum(m.sum) filter (where m.meter_id = 1), 0) as lifetime_mqtt_inbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 4), 0) as lifetime_mqtt_outbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 7), 0) as lifetime_api_calls,
    coalesce(sum(m.sum) filter (where m.meter_id = 10), 0) as lifetime_deployments,
    coalesce(sum(m.sum) filter (where m.meter_id = 11), 0) as lifetime_logins,
    coalesce(sum(m.sum) filter (where m.meter_id = 12), 0) as lifetime_docker_upload_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 13), 0) as lifetime_docker_download_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 14), 0) as lifetime_data_transfer_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 2), 0) as lifetime_mqtt_inbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 3), 0) as lifetime_mqtt_inbound_units,
    coalesce(sum(m.sum) filter (where m.meter_id = 5), 0) as lifetime_mqtt_outbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 6), 0) as lifetime_mqtt_outbound_units
  from (
    select m.meter_id, m.sum from usage_monthly m
    where m.project_id = p.id and m.month <= c.month and m.meter_id <= 14
    union all
    select a.meter_id, a.sum from usage_adjustments a
    where a.project_id = p.id and a.billed_month <= c.month and a.meter_id <= 14
  ) m
) l
left join periods f on f.organization_id = p.organization_id and f.month = c.month
left join project_months x on x.project_id = p.id and x.month = c.month;

-- The same for organizations.
create view organization_monthly_stats as
select
  o.id as organization_id,
  extract(year from c.month at time zone 'UTC')::integer as year,
  extract(month from c.month at time zone 'UTC')::integer as month,
  u.logs, u.sessions, u.mqtt_inbound, u.mqtt_outbound, u.api_calls, u.deployments, u.logins,
  u.docker_upload_bytes, u.docker_download_bytes, u.data_transfer_bytes,
  u.mqtt_inbound_bytes, u.mqtt_inbound_units, u.mqtt_outbound_bytes, u.mqtt_outbound_units,
  u.peak_storage_bytes, u.peak_s3_storage_bytes, u.peak_docker_storage_bytes, u.peak_logs_storage_bytes,
  u.average_storage_bytes, u.average_s3_storage_bytes, u.average_docker_storage_bytes, u.average_logs_storage_bytes,
  l.lifetime_logs, l.lifetime_sessions, l.lifetime_mqtt_inbound, l.lifetime_mqtt_outbound, l.lifetime_api_calls, l.lifetime_deployments, l.lifetime_logins, l.lifetime_docker_upload_bytes, l.lifetime_docker_download_bytes, l.lifetime_data_transfer_bytes, l.lifetime_mqtt_inbound_bytes, l.lifetime_mqtt_inbound_units, l.lifetime_mqtt_outbound_bytes, l.lifetime_mqtt_outbound_units,
  x.tier, coalesce(f.exceeded_limits, '{}') as exceeded_limits,
  -- The projects' charges and the organization's own.
  coalesce(f.overage_charge, 0) + x.overage_charge as overage_charge, coalesce(f.currency, x.currency) as currency,
  coalesce(f.state, 'open') as state
from organizations o
cross join lateral (
  select g as month from months_between(o.created_at, least(o.archived_at, now())) g
  union
  select distinct m.month from usage_monthly m where m.organization_id = o.id
  union
  select a.billed_month from usage_adjustments a where a.organization_id = o.id
) c
cross join lateral (
  select
    coalesce(sum(m.sum) filter (where m.meter_id = 8), 0) as logs,
    coalesce(sum(m.sum) filter (where m.meter_id = 9), 0) as sessions,
    coalesce(sum(m.sum) filter (where m.meter_id = 1), 0) as mqtt_inbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 4), 0) as mqtt_outbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 7), 0) as api_calls,
    coalesce(sum(m.sum) filter (where m.meter_id = 10), 0) as deployments,
    coalesce(sum(m.sum) filter (where m.meter_id = 11), 0) as logins,
    coalesce(sum(m.sum) filter (where m.meter_id = 12), 0) as docker_upload_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 13), 0) as docker_download_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 14), 0) as data_transfer_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 2), 0) as mqtt_inbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 3), 0) as mqtt_inbound_units,
    coalesce(sum(m.sum) filter (where m.meter_id = 5), 0) as mqtt_outbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 6), 0) as mqtt_outbound_units,
    coalesce(sum(m.max) filter (where m.meter_id = 15), 0) as peak_storage_bytes,
    coalesce(sum(m.max) filter (where m.meter_id = 16), 0) as peak_s3_storage_bytes,
    coalesce(sum(m.max) filter (where m.meter_id = 17), 0) as peak_docker_storage_bytes,
    coalesce(sum(m.max) filter (where m.meter_id = 18), 0) as peak_logs_storage_bytes,
    sum(m.average) filter (where m.meter_id = 15) as average_storage_bytes,
    sum(m.average) filter (where m.meter_id = 16) as average_s3_storage_bytes,
    sum(m.average) filter (where m.meter_id = 17) as average_docker_storage_bytes,
    sum(m.average) filter (where m.meter_id = 18) as average_logs_storage_bytes
  from (
    -- By meter first: the columns above are asked once for each row that they get.
    select m.meter_id, sum(m.sum) as sum, sum(m.max) as max, sum(m.average) as average
    from usage_monthly m
    where m.organization_id = o.id and m.month = c.month and m.meter_id <= 21
    group by m.meter_id
  ) m
) u
cross join lateral (
  select
    coalesce(sum(m.sum) filter (where m.meter_id = 8), 0) as lifetime_logs,
    coalesce(sum(m.sum) filter (where m.meter_id = 9), 0) as lifetime_sessions,
    coalesce(sum(m.sum) filter (where m.meter_id = 1), 0) as lifetime_mqtt_inbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 4), 0) as lifetime_mqtt_outbound,
    coalesce(sum(m.sum) filter (where m.meter_id = 7), 0) as lifetime_api_calls,
    coalesce(sum(m.sum) filter (where m.meter_id = 10), 0) as lifetime_deployments,
    coalesce(sum(m.sum) filter (where m.meter_id = 11), 0) as lifetime_logins,
    coalesce(sum(m.sum) filter (where m.meter_id = 12), 0) as lifetime_docker_upload_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 13), 0) as lifetime_docker_download_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 14), 0) as lifetime_data_transfer_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 2), 0) as lifetime_mqtt_inbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 3), 0) as lifetime_mqtt_inbound_units,
    coalesce(sum(m.sum) filter (where m.meter_id = 5), 0) as lifetime_mqtt_outbound_bytes,
    coalesce(sum(m.sum) filter (where m.meter_id = 6), 0) as lifetime_mqtt_outbound_units
  from (
    select m.meter_id, sum(m.sum) as sum from usage_monthly m
    where m.organization_id = o.id and m.month <= c.month and m.meter_id <= 14
    group by m.meter_id
    union all
    select a.meter_id, a.sum from usage_adjustments a
    where a.organization_id = o.id and a.billed_month <= c.month and a.meter_id <= 14
  ) m
) l
left join periods f on f.organization_id = o.id and f.month = c.month
cross join lateral (
  select max(m.tier) as tier, coalesce(sum(m.overage_charge), 0) as overage_charge, max(m.currency) as currency
  from project_months m
  where m.organization_id = o.id and m.month = c.month
) x;

create view organization_stats as
select
  o.id as organization_id,
  date_trunc('month', now(), 'UTC') as month,
  m.*, g.*, d.*,
  (select count(*) from projects p where p.organization_id = o.id and p.archived_at is null) as total_projects,
  coalesce((select n.users from organization_users n where n.organization_id = o.id order by n.since desc limit 1), 0) as total_users
from organizations o
cross join lateral (
  select
    coalesce(sum(u.sum) filter (where u.meter_id = 8 and u.month = date_trunc('month', now(), 'UTC')), 0) as logs,
    coalesce(sum(u.sum) filter (where u.meter_id = 9 and u.month = date_trunc('month', now(), 'UTC')), 0) as sessions,
    coalesce(sum(u.sum) filter (where u.meter_id = 1 and u.month = date_trunc('month', now(), 'UTC')), 0) as mqtt_inbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 4 and u.month = date_trunc('month', now(), 'UTC')), 0) as mqtt_outbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 7 and u.month = date_trunc('month', now(), 'UTC')), 0) as api_calls,
    coalesce(sum(u.sum) filter (where u.meter_id = 10 and u.month = date_trunc('month', now(), 'UTC')), 0) as deployments,
    coalesce(sum(u.sum) filter (where u.meter_id = 11 and u.month = date_trunc('month', now(), 'UTC')), 0) as logins,
    coalesce(sum(u.sum) filter (where u.meter_id = 12 and u.month = date_trunc('month', now(), 'UTC')), 0) as docker_upload_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 13 and u.month = date_trunc('month', now(), 'UTC')), 0) as docker_download_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 14 and u.month = date_trunc('month', now(), 'UTC')), 0) as data_transfer_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 2 and u.month = date_trunc('month', now(), 'UTC')), 0) as mqtt_inbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 3 and u.month = date_trunc('month', now(), 'UTC')), 0) as mqtt_inbound_units,
    coalesce(sum(u.sum) filter (where u.meter_id = 5 and u.month = date_trunc('month', now(), 'UTC')), 0) as mqtt_outbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 6 and u.month = date_trunc('month', now(), 'UTC')), 0) as mqtt_outbound_units,
    coalesce(sum(u.sum) filter (where u.meter_id = 8), 0) as lifetime_logs,
    coalesce(sum(u.sum) filter (where u.meter_id = 9), 0) as lifetime_sessions,
    coalesce(sum(u.sum) filter (where u.meter_id = 1), 0) as lifetime_mqtt_inbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 4), 0) as lifetime_mqtt_outbound,
    coalesce(sum(u.sum) filter (where u.meter_id = 7), 0) as lifetime_api_calls,
    coalesce(sum(u.sum) filter (where u.meter_id = 10), 0) as lifetime_deployments,
    coalesce(sum(u.sum) filter (where u.meter_id = 11), 0) as lifetime_logins,
    coalesce(sum(u.sum) filter (where u.meter_id = 12), 0) as lifetime_docker_upload_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 13), 0) as lifetime_docker_download_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 14), 0) as lifetime_data_transfer_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 2), 0) as lifetime_mqtt_inbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 3), 0) as lifetime_mqtt_inbound_units,
    coalesce(sum(u.sum) filter (where u.meter_id = 5), 0) as lifetime_mqtt_outbound_bytes,
    coalesce(sum(u.sum) filter (where u.meter_id = 6), 0) as lifetime_mqtt_outbound_units,
    max(u.updated_at) as updated_at
  from (
    select u.meter_id, u.month, sum(u.sum) as sum, max(u.updated_at) as updated_at
    from usage_monthly u
    where u.organization_id = o.id and u.meter_id <= 14
    group by u.meter_id, u.month
    union all
    select a.meter_id, null, a.sum, a.created_at
    from usage_adjustments a
    where a.organization_id = o.id and a.meter_id <= 14
  ) u
) m
cross join lateral (
  select
    coalesce(sum(l.last) filter (where l.meter_id = 15), 0) as total_storage_bytes,
    coalesce(sum(l.last) filter (where l.meter_id = 16), 0) as total_s3_storage_bytes,
    coalesce(sum(l.last) filter (where l.meter_id = 17), 0) as total_docker_storage_bytes,
    coalesce(sum(l.last) filter (where l.meter_id = 18), 0) as total_logs_storage_bytes,
    coalesce(sum(l.last) filter (where l.meter_id = 21), 0) as current_ecr_images
  from (
    select distinct on (u.project_id, u.meter_id) u.project_id, u.meter_id, u.last
    from usage_monthly u join projects q on q.id = u.project_id and q.archived_at is null
    where u.organization_id = o.id and u.meter_id between 15 and 21
    order by u.project_id, u.meter_id, u.month desc
  ) l
) g
cross join lateral (
  select
    count(*) as total_devices,
    count(*) filter (where v.last_seen_at > now() - interval '24 hours') as active_devices
  from devices v join projects p on p.id = v.project_id
  where p.organization_id = o.id
) d;

-- Days that ended without their snapshot: the next hourly bell takes them.
create view missing_snapshots as
select g::date as date,
  (select count(*) from projects p
    where (p.created_at at time zone 'UTC')::date <= g::date
      and (p.archived_at is null or (p.archived_at at time zone 'UTC')::date >= g::date)) as projects
from generate_series(
  (select (min(created_at) at time zone 'UTC')::date from projects), (now() at time zone 'UTC')::date - 1, '1 day') g
where not exists (select from snapshots s where s.day = g::date and s.taken_at is not null);
