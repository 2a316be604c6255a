import { limitsStatement } from '../../packages/database/src/limits/limits-statement.ts';
import type { Dashboard } from './dashboard.ts';
import { bars, figure, lines, table } from './panel.ts';
import { daysShown, rows, series } from './sql.ts';

/** A list of names with ids: the name is shown, and the id is asked for. */
function choice(name: string, label: string, query: string): object {
  return { name, label, query, definition: query, current: {}, sort: 0 };
}

/** One figure for each column of a row of `project_stats`. */
const now = (columns: string) =>
  rows(`select ${columns} from project_stats where project_id = '$project'`);

const byDay = (columns: string) =>
  series(`
    select date::timestamp at time zone 'UTC' as time, ${columns}
    from daily_stats
    where project_id = '$project' and ${daysShown('date')}
    order by date`);

const byMonth = (columns: string) =>
  rows(`
    select * from (
      select format('%s-%s', year, lpad(month::text, 2, '0')) as month, ${columns}
      from monthly_stats
      where project_id = '$project'
      order by year desc, monthly_stats.month desc
      limit 24
    ) newest
    order by month`);

/** The statement that the limits themselves are read with, asked about the chosen project at this moment. */
function limitsNow(columns: string): readonly object[] {
  const { text } = limitsStatement({
    organization: '',
    project: undefined,
    resource: null,
    now: '',
    month: '',
  });
  const asked = [
    "(select slug from organizations where id = '$organization')",
    "(select slug from projects where id = '$project')",
    'now()',
    "date_trunc('month', now(), 'UTC')",
    'null',
  ];
  const statement = text.replace(/\$(\d)/g, (_, place: string) => asked[Number(place) - 1] ?? '');
  return rows(`
    with limits as (${statement})
    select ${columns}
    from limits
    where is_limit
    order by resource, scope`);
}

const BYTES = { 'bytes|storage|Docker|transfer': 'bytes' };

export const projectUsage: Dashboard = {
  uid: 'odometer-project-usage',
  title: 'Odometer / Usage of a project',
  description: 'What one project uses, stores and is billed for, as the database has it now.',
  source: { type: 'grafana-postgresql-datasource', variable: 'postgres' },
  variables: [
    choice(
      'organization',
      'Organization',
      'select slug as __text, id as __value from organizations order by slug',
    ),
    choice(
      'project',
      'Project',
      "select slug as __text, id as __value from projects where organization_id = '$organization' order by slug",
    ),
  ],
  annotations: [],
  from: 'now-30d',
  refresh: '5m',
  rows: [
    {
      title: 'This month, and now',
      panels: [
        figure(
          'Events of this month',
          'locale',
          'Counted since the 1st, 00:00 UTC; usually not older than two seconds. Late usage of closed months is not in it, but in what they are billed.',
          now('api_calls, logs, sessions, deployments, logins'),
          { width: 12, decimals: 0 },
        ),
        figure(
          'MQTT messages of this month',
          'locale',
          'Messages, and the units that they are billed by.',
          now('mqtt_inbound, mqtt_outbound, mqtt_inbound_units, mqtt_outbound_units'),
          { width: 12, decimals: 0 },
        ),
        figure(
          'Bytes moved this month',
          'bytes',
          'MQTT bytes are topic and payload.',
          now(
            'docker_upload_bytes, docker_download_bytes, data_transfer_bytes, mqtt_inbound_bytes, mqtt_outbound_bytes',
          ),
          { width: 12 },
        ),
        figure(
          'Stored now',
          'bytes',
          'All of it, what of it is in buckets and in registries, and what of the buckets are logs. Recorded within a minute of a notification; registries are asked every hour.',
          now(
            'total_storage_bytes, total_s3_storage_bytes, total_docker_storage_bytes, total_logs_storage_bytes',
          ),
          { width: 12 },
        ),
        figure(
          'Devices and images',
          'locale',
          'Devices that were ever seen, those of the last 24 hours, and images in registries.',
          now('total_devices, active_devices, current_ecr_images'),
          { width: 12 },
        ),
        figure(
          'Since something was counted',
          's',
          'Since usage of this project last changed. Long for a busy project: see Odometer / Overview.',
          now('extract(epoch from now() - updated_at) as since_counted'),
          { width: 4 },
        ),
        figure(
          'Lifetime',
          'locale',
          'All that was ever counted, with what came late.',
          now('lifetime_api_calls, lifetime_mqtt_inbound, lifetime_mqtt_outbound'),
          { width: 8, decimals: 0 },
        ),
      ],
    },
    {
      title: 'Plan and limits',
      panels: [
        table(
          'Limits',
          'locale',
          'Of the plan in force now, and of the project and of its organization. An empty `included` is unlimited; no rows: nothing is limited. Counters start anew on the 1st; gauges and what is registered never do.',
          limitsNow(
            'resource, scope, included::numeric, used::numeric, reserved::numeric, used::numeric / nullif(included::numeric, 0) as share, hard, price_per_unit::numeric, currency, plan, version',
          ),
          { width: 16, unitOf: { '^share$': 'percentunit' } },
        ),
        bars(
          'Share of each limit',
          'percentunit',
          'What is used of what is included. Above 100 %: a soft limit lets it happen, and its overage is billed; a hard one refuses who asks.',
          limitsNow(
            'resource || \' of the \' || scope as "limit", used::numeric / nullif(included::numeric, 0) as share',
          ),
          {
            thresholds: [
              [0.8, 'orange'],
              [1, 'red'],
            ],
          },
        ),
      ],
    },
    {
      title: 'Day by day',
      panels: [
        lines('MQTT messages', 'short', 'Per day of UTC.', byDay('mqtt_inbound, mqtt_outbound'), {
          bars: true,
          stacked: true,
        }),
        lines(
          'Events',
          'short',
          'Per day of UTC.',
          byDay('api_calls, logs, sessions, deployments, logins'),
          { bars: true, stacked: true },
        ),
        lines(
          'Bytes moved',
          'bytes',
          'Per day of UTC.',
          byDay(
            'docker_upload_bytes, docker_download_bytes, data_transfer_bytes, mqtt_inbound_bytes, mqtt_outbound_bytes',
          ),
          { bars: true, stacked: true },
        ),
        lines(
          'Stored',
          'bytes',
          'At the end of each day; a day that was not measured has the value of the one before.',
          byDay('storage_bytes, s3_storage_bytes, docker_storage_bytes, logs_storage_bytes'),
        ),
        lines(
          'Devices and images',
          'short',
          'At the end of each day; devices of today are counted when it has ended.',
          byDay('device_count, active_device_count, ecr_image_count'),
        ),
        lines(
          'Hour by hour',
          'short',
          'Every counter that is not in bytes, also meters of your own. The newest hour is still being counted.',
          series(`
            select u.hour as time, m.slug as metric, u.sum as value
            from usage_hourly u join meters m on m.id = u.meter_id
            where u.project_id = '$project' and $__timeFilter(u.hour)
              and m.kind = 'counter' and m.unit not like 'byte%'
            order by u.hour, m.slug`),
        ),
      ],
    },
    {
      title: 'Month by month',
      panels: [
        table(
          'Months',
          'locale',
          'Averages, tier and charge are there once the month is drafted, and never change once it is final. The charge is in minor units of its currency (cents).',
          byMonth(
            'state, api_calls, logs, sessions, deployments, logins, mqtt_inbound, mqtt_outbound, data_transfer_bytes, average_storage_bytes, peak_storage_bytes, tier, exceeded_limits::text, overage_charge, currency',
          ),
          { width: 24, unitOf: BYTES },
        ),
        bars(
          'MQTT messages',
          'short',
          'Of the newest 24 months.',
          byMonth('mqtt_inbound, mqtt_outbound'),
          { stacked: true },
        ),
        bars(
          'Storage',
          'bytes',
          'Average over time, which is what is billed, and peak.',
          byMonth('average_storage_bytes, peak_storage_bytes'),
        ),
        bars(
          'Overage',
          'short',
          'In minor units of the plan’s currency (cents).',
          byMonth('overage_charge'),
        ),
      ],
    },
    {
      title: 'Storage',
      panels: [
        bars(
          'By type',
          'bytes',
          'What the project has in buckets, by the type that their declarations give to keys, and in registries.',
          rows(`
            select type, sum(bytes) as bytes
            from (
              select metered_object_type as type, bytes from storage_levels where project_id = '$project'
              union all
              select 'image', bytes from registry_levels where project_id = '$project'
            ) stored
            group by type
            order by bytes desc`),
        ),
        table(
          'By bucket and registry',
          'locale',
          'Where it is. A registry counts what several tags share once.',
          rows(`
            select b.name as "where", l.metered_object_type as type, l.objects, l.bytes
            from storage_levels l join buckets b on b.id = l.bucket_id
            where l.project_id = '$project'
            union all
            select registry, 'image', images, bytes from registry_levels where project_id = '$project'
            order by bytes desc`),
          { width: 16, unitOf: { '^bytes$': 'bytes' } },
        ),
      ],
    },
    {
      title: 'Devices',
      panels: [
        table(
          'Seen last',
          'locale',
          'The hundred devices that were heard of last. Discovered: from a topic, nobody declared it.',
          rows(`
            select slug as device, last_seen_at, first_seen_at, discovered
            from devices
            where project_id = '$project'
            order by last_seen_at desc nulls last, slug
            limit 100`),
          { width: 12 },
        ),
        table(
          'Using most',
          'locale',
          'By meter, in the time shown. Empty unless usage of devices is kept, which is a setting.',
          rows(`
            select d.slug as device, m.slug as meter, sum(u.sum) as used
            from device_usage_daily u
            join devices d on d.id = u.device_id
            join meters m on m.id = u.meter_id
            where u.project_id = '$project' and $__timeFilter(u.day)
            group by d.slug, m.slug
            order by used desc
            limit 100`),
          { width: 12 },
        ),
      ],
    },
    {
      title: 'Late usage and closes',
      panels: [
        table(
          'Late usage',
          'locale',
          'Usage that came for a closed month: the hour it belongs to, and the month it is billed in. The newest hundred rows.',
          rows(`
            select a.created_at as counted_at, m.slug as meter, a.hour,
              to_char(a.billed_month at time zone 'UTC', 'YYYY-MM') as billed_in, a.sum
            from usage_adjustments a join meters m on m.id = a.meter_id
            where a.project_id = '$project'
            order by a.created_at desc
            limit 100`),
          { width: 12 },
        ),
        table(
          'Periods of the organization',
          'locale',
          'Draft, closing or final; what holds a month up; and what the whole organization is charged, in minor units.',
          rows(`
            select to_char(month at time zone 'UTC', 'YYYY-MM') as month, state, due_at, final_at,
              held_up_by::text, exceeded_limits::text, overage_charge, currency
            from periods
            where organization_id = '$organization'
            order by periods.month desc
            limit 24`),
          { width: 12 },
        ),
      ],
    },
  ],
};
