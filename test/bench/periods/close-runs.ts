import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { spawnService } from '@odometer/testing/spawn-service';
import type pg from 'pg';
import type { Servers } from '../servers.ts';
import { profileEnv, type Settings } from '../settings.ts';
import { waitUntil } from '../wait-until.ts';
import { MONTH } from './fill-month.ts';

/** Long after the last month end, and never the current month: only the job closes it, no bell before it. */
const GRACE_HOURS = String(24 * 365 * 10);

/** Closes the month with a real worker, by the job that `odometer close` sends. @returns seconds until all is final. */
export function odometerSeconds(
  servers: Servers,
  settings: Settings,
  template: string,
): Promise<number> {
  return servers.withFresh(async (databaseUrl, db) => {
    const worker = await spawnService('stats-worker', {
      DATABASE_URL: databaseUrl,
      REDIS_URL: servers.redisUrl,
      ODOMETER_INSTANCE: 'bench',
      // The worker's own bell at its start must find nothing due: the clock below starts with the job.
      ODOMETER_CLOSE_GRACE_HOURS: GRACE_HOURS,
      ...profileEnv(settings),
    });
    const redis = createProducerRedis({ url: servers.redisUrl });
    const queue = new JobQueue('periods', redis);
    try {
      await worker.ready();
      await waitUntil('the first bell is answered', async () => {
        const { rowCount } = await db.query("select from schedule_runs where schedule = 'start'");
        return rowCount === 1;
      });
      await db.query(
        "update periods set forced_by = 'bench', forced_reason = 'bench' where month = $1",
        [MONTH],
      );
      await db.query('checkpoint');
      const startedAtMs = performance.now();
      await queue.add('close-month', { month: MONTH.slice(0, 7), part: 1 }, 'close-month.bench');
      await waitUntil('the month is final', async () => {
        const { rowCount } = await db.query(
          "select from periods where month = $1 and state <> 'final' limit 1",
          [MONTH],
        );
        return rowCount === 0;
      });
      const seconds = (performance.now() - startedAtMs) / 1_000;
      await assertClosed(db);
      return seconds;
    } finally {
      await queue.stop();
      redis.disconnect();
      await worker.kill('SIGTERM');
    }
  }, template);
}

/** A close that leaves a row behind has no time. */
async function assertClosed(db: pg.Client): Promise<void> {
  const { rows } = await db.query<{
    open: string;
    manifests: string;
    projects: string;
    rows: string;
  }>(
    `select count(*) filter (where not final) as open, count(*) as rows,
       (select sum((m.value ->> 'rows')::bigint) from periods f, jsonb_each(f.manifest -> 'meters') m) as manifests,
       (select count(*) from projects p where not exists (
          select from project_months x where x.project_id = p.id and x.final)) as projects
     from usage_monthly`,
  );
  const [found] = rows;
  if (found?.open !== '0' || found.projects !== '0' || found.manifests !== found.rows) {
    throw new Error(`the month is not closed: ${JSON.stringify(found)}`);
  }
}

/** The least that any close must do: add the days up and insert the months. @returns seconds */
export function bareSeconds(servers: Servers, template: string): Promise<number> {
  return servers.withFresh(async (_url, db) => {
    await db.query('create table bare_months (like usage_monthly including all)');
    await db.query('checkpoint');
    const startedAtMs = performance.now();
    await db.query(
      `insert into bare_months (project_id, meter_id, month, organization_id, sum, count, min, max, last_at)
       select project_id, meter_id, $1, organization_id, sum(sum), sum(count), min(min), max(max), max(last_at)
       from usage_daily where day >= '2026-03-01' and day < '2026-04-01'
       group by project_id, meter_id, organization_id`,
      [MONTH],
    );
    return (performance.now() - startedAtMs) / 1_000;
  }, template);
}

/**
 * What is written first: for every project and meter read the sum, insert the month, mark it. Each statement commits.
 *
 * @param sample projects that are closed; the time is scaled up to `projects`.
 * @returns seconds
 */
export function loopSeconds(
  servers: Servers,
  template: string,
  projects: number,
  sample: number,
): Promise<number> {
  return servers.withFresh(async (_url, db) => {
    await db.query('create table loop_months (like usage_monthly including all)');
    await db.query('checkpoint');
    const startedAtMs = performance.now();
    for (let project = 1; project <= sample; project += 1) {
      const { rows: meters } = await db.query<{ meter_id: number }>(
        'select meter_id from usage_monthly where project_id = $1 and month = $2',
        [project, MONTH],
      );
      for (const { meter_id } of meters) {
        const { rows } = await db.query<{ sum: string; count: string; organization_id: string }>(
          `select sum(sum), sum(count) as count, min(organization_id) as organization_id from usage_daily
           where project_id = $1 and meter_id = $2 and day >= '2026-03-01' and day < '2026-04-01'`,
          [project, meter_id],
        );
        const [row] = rows;
        await db.query(
          `insert into loop_months (project_id, meter_id, month, organization_id, sum, count)
           values ($1, $2, $3, $4, $5, $6)`,
          [project, meter_id, MONTH, row?.organization_id, row?.sum, row?.count],
        );
        await db.query(
          'update usage_monthly set final = true where project_id = $1 and meter_id = $2 and month = $3',
          [project, meter_id, MONTH],
        );
      }
    }
    return ((performance.now() - startedAtMs) / 1_000) * (projects / sample);
  }, template);
}
