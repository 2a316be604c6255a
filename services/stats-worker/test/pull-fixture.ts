import { listGaps } from '@odometer/database/gaps';
import type { Pool } from '@odometer/database/pool';
import { type ListedPull, listPulls } from '@odometer/database/pulled-logs/pull-progress';
import {
  findPulledLog,
  putPulledLog,
  type StoredPulledLog,
} from '@odometer/database/pulled-logs/pulled-logs';
import { putWebhook } from '@odometer/database/webhooks';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { pulledLogDeclarationSchema } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import { webhookDeclarationSchema } from '@odometer/domain/webhook-declaration';
import { FakeAuth0 } from '@odometer/testing/fake-auth0';
import { BearerTokens } from '../src/pulled-logs/bearer-tokens.ts';
import { PullCounts } from '../src/pulled-logs/pull-counts.ts';
import { type PullParts, pullLog } from '../src/pulled-logs/pull-log.ts';
import { openAppliers, Producer } from './applier-fixture.ts';

const BOUNDS = { maxFutureMs: 300_000, maxAgeMs: 395 * 86_400_000, maxEventBytes: 65_536 };

/** The variables that the declaration names. */
export function secretsOf(auth0: Pick<FakeAuth0, 'clientId' | 'clientSecret'>) {
  return {
    ODOMETER_PULL_SECRET_AUTH0_CLIENT_ID: auth0.clientId,
    ODOMETER_PULL_SECRET_AUTH0_CLIENT_SECRET: auth0.clientSecret,
  };
}

function declarationOf(url: string) {
  return {
    name: 'auth0-logs',
    webhook: 'auth0',
    url: `${url}/api/v2/logs`,
    checkpoint: {
      parameter: 'from',
      next: { link: 'next' },
      start: `900{yyyy}{MM}{dd}{HH}{mm}{ss}${'0'.repeat(39)}`,
    },
    pageSize: { parameter: 'take', count: 100 },
    authorization: {
      type: 'client-credentials',
      tokenUrl: `${url}/oauth/token`,
      clientIdEnv: 'ODOMETER_PULL_SECRET_AUTH0_CLIENT_ID',
      clientSecretEnv: 'ODOMETER_PULL_SECRET_AUTH0_CLIENT_SECRET',
      audience: `${url}/api/v2/`,
    },
  };
}

/** Declares a webhook for logins and the log behind it, as `odometer apply` does. */
async function declarePull(
  pool: Pool,
  url: string,
  change: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const webhook = webhookDeclarationSchema.parse({
    name: 'auth0',
    kind: 'auth0',
    tokenHash: 'ab'.repeat(32),
    fields: {
      project: { field: 'client_name', names: { 'My App (production)': 'acme/website' } },
    },
  });
  await putWebhook(pool, webhook.name, webhook);
  const log = pulledLogDeclarationSchema.parse({ ...declarationOf(url), ...change });
  await putPulledLog(pool, log.name, log);
}

/** A pulled log with a database, whose events are applied at once. */
export async function openPull() {
  const system = await openAppliers();
  const auth0 = await new FakeAuth0().start();
  const producer = await new Producer(system.pool, 'events').open();
  const lines: Record<string, unknown>[] = [];
  const note = (fields: object) => lines.push({ ...fields });
  const counts = new PullCounts();
  const parts: PullParts = {
    pool: system.pool,
    tokens: new BearerTokens(secretsOf(auth0)),
    counts,
    bounds: BOUNDS,
    defaultOrganization: 'default',
    enqueue: async (events: readonly EventEnvelope[]) => {
      if (events.length > 0) await system.events.apply([producer.events(...events)]);
    },
    log: { info: note, warn: note, error: note },
  };
  const never = new AbortController().signal;
  return {
    ...system,
    auth0,
    parts,
    counts,
    lines,
    declare: (change: Readonly<Record<string, unknown>> = {}) =>
      declarePull(system.pool, auth0.url, change),
    pull: (change: Partial<PullParts> = {}) =>
      pullLog({ ...parts, ...change }, { log: 'auth0-logs' }, never),
    async state(): Promise<StoredPulledLog> {
      const log = await findPulledLog(system.pool, 'auth0-logs');
      if (log === undefined) throw new Error('auth0-logs is not declared');
      return log;
    },
    runs: (): Promise<readonly ListedPull[]> => listPulls(system.pool, { limit: 100 }),
    gaps: () => listGaps(system.pool, 100),
    async close() {
      await auth0.stop();
      await system.close();
    },
  };
}
