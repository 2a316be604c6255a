import { beforeAll, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';

const { pool } = useTestDatabase();
beforeAll(async () => {
  await pool.query(`
    insert into organizations (slug) values ('acme');
    insert into projects (organization_id, slug) select 1, 'p' || n from generate_series(1, 3) n;
    insert into devices (project_id, slug, last_seen_at)
      values (1, 'now', now()), (1, 'old', now() - interval '25 hours'), (1, 'never', null);
    insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, last, last_at)
    select 1, m.id, date_trunc('month', now(), 'UTC') - make_interval(months => ago), 1, m.id * 10 + ago, 1, m.id * 100 + ago,
      now() - make_interval(months => ago)
    from meters m, generate_series(0, 2) ago
    where m.slug <> 'ecr_image_count' or ago > 0`);
});

test('a project has this month, its lifetime, its newest readings and its devices', async () => {
  const { rows } = await pool.query<Record<string, unknown>>(
    'select * from project_stats where project_id = 1',
  );
  expect(rows[0]).toMatchObject({
    mqtt_inbound: '10',
    lifetime_mqtt_inbound: '33',
    api_calls: '70',
    lifetime_api_calls: '213',
    data_transfer_bytes: '140',
    lifetime_data_transfer_bytes: '423',
    total_storage_bytes: '1500',
    // No reading this month: the newest there is, never 0.
    current_ecr_images: '2101',
    total_devices: '3',
    active_devices: '1',
  });
});

test('a project without usage has its row, all zero', async () => {
  const { rows } = await pool.query<Record<string, unknown>>(
    'select * from project_stats where project_id = 2',
  );
  const { project_id, organization_id, month, updated_at, ...figures } = rows[0] ?? {};
  expect([project_id, organization_id]).toEqual(['2', '1']);
  expect(month).toBeInstanceOf(Date);
  expect(updated_at).toBeInstanceOf(Date);
  expect(new Set(Object.values(figures))).toEqual(new Set(['0']));
});

test('it has every familiar column', async () => {
  const { fields } = await pool.query('select * from project_stats limit 0');
  const counters = [
    'logs',
    'sessions',
    'mqtt_inbound',
    'mqtt_outbound',
    'api_calls',
    'deployments',
    'logins',
    'docker_upload_bytes',
    'docker_download_bytes',
    'data_transfer_bytes',
  ];
  const others = [
    'project_id',
    'organization_id',
    'month',
    'total_storage_bytes',
    'total_s3_storage_bytes',
    'total_docker_storage_bytes',
    'total_logs_storage_bytes',
    'total_devices',
    'active_devices',
    'current_ecr_images',
    'updated_at',
  ];
  const names = fields.map(({ name }) => name);
  const familiar = [...others, ...counters, ...counters.map((name) => `lifetime_${name}`)];
  expect(names).toEqual(expect.arrayContaining(familiar));
});
