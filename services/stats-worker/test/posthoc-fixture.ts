import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AwsClients } from '@odometer/aws/aws-clients';
import { lockCatalogue } from '@odometer/database/advisory-locks';
import { claimMeter } from '@odometer/database/meters/own-meter';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { unfinishedRuns } from '@odometer/database/posthoc/plan-runs';
import { putPosthocMetric } from '@odometer/database/posthoc/posthoc-metrics';
import { listRuns } from '@odometer/database/posthoc/posthoc-runs';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import {
  posthocDeclarationSchema,
  posthocOwner,
} from '@odometer/domain/posthoc/posthoc-declaration';
import type { JobQueue } from '@odometer/queues/job-queue';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import type { Engines } from '../src/posthoc/ask-engine.ts';
import { createAthenaEngine } from '../src/posthoc/engines/athena/athena-engine.ts';
import { createDuckDbEngine } from '../src/posthoc/engines/duckdb/duckdb-engine.ts';
import type { FetchParts } from '../src/posthoc/engines/duckdb/fetch-logs.ts';
import { planDueRuns } from '../src/posthoc/plan-due.ts';
import { PosthocCounts } from '../src/posthoc/posthoc-counts.ts';
import { processRun } from '../src/posthoc/process-run.ts';
import { openAppliers, Producer } from './applier-fixture.ts';

/** The fields of an access log of an AWS load balancer, as far as the first 15 of them. */
const ALB_COLUMNS = [
  'type',
  'time',
  'elb',
  'client',
  'target',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
  'received_bytes',
  'sent_bytes',
  'request',
  'user_agent',
  'ssl_cipher',
];

/** Requests by the project in their path: https://host/PROJECT/… */
export const REQUESTS = `select split_part(split_part(request, ' ', 2), '/', 4) as project, count(*) as value
  from logs where time::timestamp >= :start and time::timestamp < :end group by 1`;

export const DECLARATION = {
  name: 'alb',
  engine: 'duckdb',
  eventType: 'api_calls',
  window: 'hour',
  sql: REQUESTS,
  organization: 'acme',
  revisions: ['1h', '6h'],
  source: {
    type: 'directory',
    path: 'alb/{yyyy}/{MM}/{dd}/*.log*',
    format: { type: 'delimited', delimiter: ' ', escape: '\\', columns: ALB_COLUMNS },
  },
} as const;

/** @param at `HH:MM:SS` of 2026-08-15, or a whole instant. */
export function albLine(at: string, project: string, sentBytes = 366): string {
  const time = at.length > 12 ? at : `2026-08-15T${at}.000000Z`;
  return `h2 ${time} app/my-alb/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 ${sentBytes} "GET https://api.example.com:443/${project}/x HTTP/2.0" "curl \\"7\\"" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/t/7 "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-"`;
}

/** Writes a file of logs; one whose name ends in .gz is compressed. */
export function writeLog(directory: string, path: string, lines: readonly string[]): void {
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  const text = lines.map((line) => `${line}\n`).join('');
  writeFileSync(file, path.endsWith('.gz') ? gzipSync(text) : text);
}

/** Declares a metric as `odometer apply` does, as if it were so late. */
async function declarePosthoc(
  pool: Pool,
  nowMs: number,
  change: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const metric = posthocDeclarationSchema.parse({ ...DECLARATION, ...change });
  await inTransaction(pool, async (transaction) => {
    await lockCatalogue(transaction);
    await claimMeter(transaction, {
      meter: metric.eventType,
      owner: posthocOwner(metric.name),
      kind: 'counter',
      unit: metric.unit,
      eventType: metric.eventType,
      dimensions: metric.columns.dimensions,
    });
    await putPosthocMetric(transaction, { ...metric, declaration: metric });
    await transaction.query(
      `update posthoc_metrics set first_window = f.at, settled_before = f.at, declared_at = $2
       from (select date_trunc($3, $2::timestamptz, 'UTC') - make_interval(hours => $4) as at) f where name = $1`,
      [
        metric.name,
        new Date(nowMs),
        metric.window,
        metric.lookback * (metric.window === 'day' ? 24 : 1),
      ],
    );
  });
}

export const LIMITS = { memoryBytes: 256 * 1_048_576, threads: 1 };

/** Of engines whose metrics have none. */
export const NO_BUCKETS: FetchParts = {
  aws: {
    s3: () => {
      throw new Error('no bucket is declared');
    },
  },
  maxBytes: 0,
};

/** A query that runs for longer is left running. */
const MAX_LOOKS = 10;

/** Post-hoc metrics with a directory of logs and a database, whose events are applied at once. */
export async function openPosthoc() {
  const system = await openAppliers();
  const directory = temporaryDirectory('logs');
  mkdirSync(join(directory, 'alb'));
  const producer = await new Producer(system.pool, 'events').open();
  const lines: Record<string, unknown>[] = [];
  const note = (fields: object) => lines.push({ ...fields });
  const counts = new PosthocCounts();
  const enqueue = async (events: readonly EventEnvelope[]) => {
    for (let at = 0; at < events.length; at += 1_000) {
      await system.events.apply([producer.events(...events.slice(at, at + 1_000))]);
    }
  };
  const aws = new AwsClients();
  const engines: Engines = {
    duckdb: createDuckDbEngine({ directory, limits: LIMITS, fetch: NO_BUCKETS }),
    athena: createAthenaEngine((target) => aws.athena(target)),
  };
  const parts = {
    pool: system.pool,
    engines,
    counts,
    enqueue,
    log: { info: note, warn: note, error: note },
  };
  const never = new AbortController().signal;
  // Jobs are asked for by their runs, which are read from Postgres.
  const queue = { add: async () => 'durable' } as unknown as JobQueue<'posthoc'>;
  const runs = (filter: { readonly limit?: number } = {}) =>
    listRuns(system.pool, { limit: 1_000, ...filter });
  return {
    ...system,
    directory,
    parts,
    lines,
    runs,
    /** Runs as rows: window, revision, state, total and difference. */
    shown: async () =>
      (await runs()).map(({ windowStart, revision, state, total, difference }) => [
        windowStart.toISOString().slice(11, 16),
        revision,
        state,
        total,
        difference,
      ]),
    write: (path: string, logLines: readonly string[]) => writeLog(directory, path, logLines),
    declare: (at: string, change: Readonly<Record<string, unknown>> = {}) =>
      declarePosthoc(system.pool, Date.parse(at), change),
    /** A bell, and all that it asks for. */
    async ring(
      at: string,
      {
        signal = never,
        looks = MAX_LOOKS,
        ...change
      }: Partial<typeof parts> & { readonly signal?: AbortSignal; readonly looks?: number } = {},
    ) {
      const nowMs = Date.parse(at);
      await planDueRuns(system.pool, queue, nowMs);
      for (const { id } of await unfinishedRuns(system.pool, new Date(nowMs), 1_000)) {
        // Its job comes again, without the waits.
        for (let look = 0; look < looks; look += 1) {
          if ((await processRun({ ...parts, ...change }, id, signal)) === undefined) break;
        }
      }
      return runs();
    },
    close: async () => {
      await aws.stop();
      await system.close();
    },
  };
}
