-- Something of everything that the dashboards show of a project: acme/web. Its figures are multiples of 7919; acme/app
-- has usage, too, and other/web none.
insert into organizations (slug, created_at)
values ('acme', now() - interval '3 months'), ('other', now() - interval '3 months');

insert into projects (organization_id, slug, created_at)
values (1, 'web', now() - interval '2 months'), (1, 'app', now() - interval '2 months'),
  (2, 'web', now() - interval '2 months');

insert into devices (project_id, slug, last_seen_at, discovered)
values (1, 'acme-pump', now(), true), (1, 'acme-fan', now() - interval '2 days', false), (2, 'acme-app', now(), false);

insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, max, last, last_at, average)
select p.id, m.id, date_trunc('month', now() - back * interval '1 month', 'UTC'), 1, 7919 * m.id * (back + p.id), 3, 7919 * m.id,
  case m.kind when 'gauge' then 7919 * m.id end, now(), 7919 * m.id
from meters m, generate_series(0, 1) back, projects p
where p.organization_id = 1;

-- Partitions of the months that the hours and days below lie in.
select create_month_partitions(now() - interval '2 months', now());

insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count)
select 1, m.id, date_trunc('hour', now() - back * interval '1 hour', 'UTC'), 1, 7919 * m.id, 1
from meters m, generate_series(0, 30) back
where m.kind = 'counter';

insert into usage_daily (project_id, day, meter_id, organization_id, sum, count, last)
select 1, (now() at time zone 'UTC')::date - back, m.id, 1, 7919 * m.id, 1, case m.kind when 'gauge' then 7919 * m.id end
from meters m, generate_series(0, 20) back;

insert into device_usage_daily (project_id, device_id, meter_id, day, organization_id, sum, count)
values (1, 1, 1, date_trunc('day', now(), 'UTC'), 1, 7919, 1);

insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
values (1, 1, 1, date_trunc('month', now() - interval '1 month', 'UTC'), date_trunc('month', now(), 'UTC'), 7919, 1);

insert into buckets (name, bucket, region, declaration) values ('acme-data', 'acme-data', 'eu-central-1', '{}');
insert into storage_levels (bucket_id, project_id, metered_object_type, bytes, objects)
values (1, 1, 'log', 7919, 7919), (1, 1, 'other', 15838, 7919);
insert into registry_levels (registry, project_id, organization_id, bytes, images, measured_at)
values ('acme-images', 1, 1, 7919, 7919, now());

insert into plans (slug, version, currency, valid_from) values ('acme-pro', 1, 'EUR', now() - interval '3 months');
insert into organization_plans (organization_id, since, plan) values (1, now() - interval '3 months', 'acme-pro');
insert into organization_users (organization_id, since, users) values (1, now() - interval '3 months', 3);
insert into plan_limits (plan_id, resource, scope, included, hard, price_per_unit)
values (1, 'mqtt_inbound', 'project', 100000, true, 0.002), (1, 'mqtt_inbound', 'organization', null, false, null),
  (1, 'storage_bytes', 'project', 1000000, false, 0.5), (1, 'devices', 'project', 10, false, null),
  (1, 'projects', 'organization', 10, true, null), (1, 'users', 'organization', 5, false, null);
insert into limit_reservations (organization_id, project_id, resource, quantity, expires_at)
values (1, 1, 'mqtt_inbound', 7, now() + interval '1 hour');

insert into periods (organization_id, month, state, drafted_at, due_at, held_up_by)
values (1, date_trunc('month', now() - interval '1 month', 'UTC'), 'draft', now(), now(), '{acme}');
