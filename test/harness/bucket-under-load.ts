import { hash, randomUUID } from 'node:crypto';
import { lockCatalogue } from '@odometer/database/advisory-locks';
import { raiseCatalogueVersion } from '@odometer/database/meters/catalogue';
import { putBucket } from '@odometer/database/objects/buckets';
import { inTransaction } from '@odometer/database/pool';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import { deliver } from '@odometer/s3-simulator/delivery';
import { s3Notification } from '@odometer/s3-simulator/notification';
import { randomHistory } from '@odometer/s3-simulator/random-history';
import { randomKeys } from '@odometer/s3-simulator/random-keys';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { SimulatedClock } from '@odometer/s3-simulator/simulated-clock';
import { eventually } from '@odometer/testing/eventually';
import type { SeededRandom } from '@odometer/testing/seeded-random';
import { compareLedger, type KeptObject } from './compare-ledger.ts';
import { queueOf } from './jobs.ts';
import { settle } from './settle.ts';
import type { System } from './system.ts';
import type { Fault } from './under-load.ts';

const OPERATIONS = 1_000;
const KEYS = 80;
const CLIENTS = 8;
/** How long the load takes when nothing is in its way. */
const DURATION_MS = 5_000;
const DEADLINE_MS = 90_000;
const HOUR_MS = 3_600_000;
const TOKEN = 'token of the store';

/**
 * Lets a bucket of its own live a day, and posts its notifications, some twice, in any order, each until it is answered
 * with 200, while faults strike at moments that the seed chooses; byte-hours are settled meanwhile. Then waits until
 * nothing moves.
 *
 * @returns one sentence for each way in which the ledger is not what the bucket is.
 */
export async function bucketUnderLoad(
  system: System,
  random: SeededRandom,
  faults: readonly Fault[],
): Promise<readonly string[]> {
  const startMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 24 * HOUR_MS;
  // A worker that starts rings for all that is due, which would settle the day before anything of it is there.
  await settle(system);
  // Only where nothing is settled yet: it never moves back.
  await system.db.query(
    `update storage_settlement set settled_through = $1
     where not exists (select from storage_accounts) and settled_through > $1`,
    [new Date(startMs)],
  );
  const name = `bucket-${random.seed}`;
  const bucketId = await declare(system, name, startMs);
  const clock = new SimulatedClock(startMs);
  const bucket = new SimulatedBucket({ name, now: clock.now });
  const owners = ['acme/robots', 'acme/p1', 'acme/p10'];
  const keys = randomKeys({ random, count: KEYS, owners });
  const settings = { random, bucket, clock, operations: OPERATIONS, keys };
  const messages: string[] = [];
  const kept: KeptObject[] = [];
  for (const { events } of randomHistory({ ...settings, switchesVersioning: true })) {
    if (events.length > 0) messages.push(s3Notification(events));
    if (random.next() > 0.1) continue;
    const sizeBytes = random.integer(1, 2 ** 30);
    const put = bucket.put(`acme/kept-${random.seed}/${kept.length}`, sizeBytes);
    kept.push({ sizeBytes, atMs: put[0]?.atMs ?? 0 });
    messages.push(s3Notification(put));
  }
  const { arriving, late } = deliver(messages, {
    random,
    duplicatedShare: 0.15,
    delayedShare: 0.05,
  });
  // Hours end, and are settled, while batches are applied.
  const settling = faults.map((fault) => async () => {
    await someKept(system, random.seed);
    await settleHours(system);
    await fault();
  });
  const violations = await post(system, random, [...arriving, ...late], settling);
  await settleHours(system);
  await settle(system);
  return [...violations, ...(await compareLedger(system, { bucketId, bucket, kept }))];
}

/** Waits for something of the day to be in the ledger: hours that are settled before have nothing in them. */
async function someKept(system: System, seed: number): Promise<void> {
  const isThere = async () => {
    const { rowCount } = await system.db.query(
      'select from storage_accounts a join projects p on p.id = a.project_id where p.slug = $1',
      [`kept-${seed}`],
    );
    return rowCount === 1;
  };
  await eventually(isThere, { deadlineMs: DEADLINE_MS });
}

async function settleHours(system: System): Promise<void> {
  const add = () => queueOf(system, 'periods').add('due', { bell: 'asked' }, `due.${randomUUID()}`);
  // Redis may just be restarting.
  await eventually(() => add().then(() => true));
}

/** As of the day before: from when it was declared a bucket's bytes are somebody's. */
function declare(system: System, name: string, declaredAtMs: number): Promise<number> {
  const declaration = bucketDeclarationSchema.parse({
    name,
    bucket: name,
    notifications: { kind: 'webhook', path: name, tokenHash: hash('sha256', TOKEN) },
    types: [{ pattern: 'logs/…', type: 'log' }],
  });
  return inTransaction(system.db, async (transaction) => {
    await lockCatalogue(transaction);
    await raiseCatalogueVersion(transaction);
    const { id } = await putBucket(transaction, declaration);
    await transaction.query('update buckets set declared_at = $2 where id = $1', [
      id,
      new Date(declaredAtMs),
    ]);
    return id;
  });
}

async function post(
  system: System,
  random: SeededRandom,
  messages: readonly string[],
  faults: readonly Fault[],
): Promise<string[]> {
  const url = `${system.notificationsUrl}/bucket-${random.seed}`;
  const moments = faults.map(() => 0.1 + random.next() * 0.8).sort((a, b) => a - b);
  const startedAt = Date.now();
  const deadline = startedAt + DEADLINE_MS;
  const order = random.shuffle([...faults]);
  let posted = 0;
  const client = async () => {
    for (let mine = posted; mine < messages.length; mine = posted) {
      posted += 1;
      const dueMs = startedAt + (mine / messages.length) * DURATION_MS;
      await pause(Math.max(0, dueMs - Date.now()));
      while (Date.now() < deadline && !(await isTaken(url, messages[mine] ?? ''))) await pause(100);
    }
  };
  const strike = async () => {
    for (const [i, fault] of order.entries()) {
      const isReached = () => posted / messages.length >= (moments[i] ?? 0);
      while (!isReached() && Date.now() < deadline) await pause(1);
      await fault();
    }
  };
  await Promise.all([strike(), ...Array.from({ length: CLIENTS }, client)]);
  return Date.now() < deadline ? [] : [`not all was taken within ${DEADLINE_MS} ms`];
}

/** Whoever is not answered with 200 sends again. */
async function isTaken(url: string, body: string): Promise<boolean> {
  const headers = { Authorization: `Bearer ${TOKEN}` };
  const signal = AbortSignal.timeout(10_000);
  return fetch(url, { method: 'POST', body, headers, signal }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status === 200;
    },
    () => false,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
