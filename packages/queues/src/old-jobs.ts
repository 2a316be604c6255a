import type { AnyQueue } from './dead-letter.ts';
import { payloadOwners } from './payload-owners.ts';

/** Usage that lies in a queue since before an instant. */
export interface OldJobs {
  readonly jobs: number;
  /** Slugs. Null: there are too many jobs to look into each, or one does not say whose it is. */
  readonly organizations: ReadonlySet<string> | null;
}

/** A queue that holds more is behind, and nobody's month is closed until it is not. */
const MAX_JOBS = 10_000;
/** Payloads are up to 1 MB each. */
const MAX_PAYLOADS = 200;

/**
 * Finds whose usage was accepted before an instant and is still in the queue: waiting, in work, or to be tried again.
 *
 * @throws OdometerError `queue_unavailable`: nothing is known.
 */
export async function findOldJobs(queue: AnyQueue, beforeMs: number): Promise<OldJobs> {
  const ids = await queue.run(async (redis) => [
    ...(await redis.lrange(queue.key('wait'), String(-MAX_JOBS), '-1')),
    ...(await redis.lrange(queue.key('active'), '0', '-1')),
    ...(await redis.zrange(queue.key('delayed'), '0', String(MAX_JOBS))),
    ...(await redis.zrange(queue.key('failed'), '0', String(MAX_JOBS))),
  ]);
  if (ids.length >= MAX_JOBS) return { jobs: ids.length, organizations: null };
  const old: string[] = [];
  for (const id of ids) {
    const addedAt = await queue.run((redis) => redis.hget(queue.key(id), 'timestamp'));
    if (addedAt !== null && Number(addedAt) < beforeMs) old.push(id);
  }
  if (old.length > MAX_PAYLOADS) return { jobs: old.length, organizations: null };
  const organizations = new Set<string>();
  for (const id of old) {
    const data = await queue.run((redis) => redis.hget(queue.key(id), 'data'));
    if (data === null) continue; // Finished since.
    const owners = payloadOwners(JSON.parse(data)).organizations;
    if (owners === null) return { jobs: old.length, organizations: null };
    for (const slug of owners) organizations.add(slug);
  }
  return { jobs: old.length, organizations };
}
