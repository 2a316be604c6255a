-- The current month, resource counts, storage now and lifetime of each project, with the familiar columns. Month rows
-- are read with a lateral join, so that one project by id or by a join on its slug costs one index scan each.
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
  m.lifetime_logs, m.lifetime_sessions, m.lifetime_mqtt_inbound, m.lifetime_mqtt_outbound, m.lifetime_api_calls,
  m.lifetime_deployments, m.lifetime_logins, m.lifetime_docker_upload_bytes, m.lifetime_docker_download_bytes,
  m.lifetime_data_transfer_bytes, m.lifetime_mqtt_inbound_bytes, m.lifetime_mqtt_inbound_units,
  m.lifetime_mqtt_outbound_bytes, m.lifetime_mqtt_outbound_units,
  coalesce(m.updated_at, p.created_at) as updated_at
from projects p
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
  from usage_monthly u
  where u.project_id = p.id and u.meter_id <= 14
) m
cross join lateral (
  -- Gauges: the last reading of the newest month that has one.
  select
    coalesce(max(l.last) filter (where l.meter_id = 15), 0) as total_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 16), 0) as total_s3_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 17), 0) as total_docker_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 18), 0) as total_logs_storage_bytes,
    coalesce(max(l.last) filter (where l.meter_id = 21), 0) as current_ecr_images
  from (
    select distinct on (u.meter_id) u.meter_id, u.last
    from usage_monthly u
    where u.project_id = p.id and u.meter_id between 15 and 21
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
