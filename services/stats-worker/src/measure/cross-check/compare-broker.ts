import { hash } from 'node:crypto';
import type { BrokerCheck } from '@odometer/domain/cross-checks/cross-check-declaration';
import { z } from 'zod';
import { compareCounts, type DriftFigures, unknownDrift } from './drift.ts';

const whole = z.string().regex(/^\d+$/);
const byTopic = z.record(z.string(), whole);

/** Both sides at one moment. Kept in the figures of a measurement, for the next one. */
export const brokerReadingSchema = z.object({
  at: z.iso.datetime(),
  /** Which broker it is of: see brokerName. */
  broker: z.string(),
  counters: z.array(z.string()).nullable(),
  messages: byTopic,
  bytes: byTopic,
  uptime: z.record(z.string(), z.number()),
  accepted: whole,
  rejected: whole,
});
export type BrokerReading = z.infer<typeof brokerReadingSchema>;

/** A hash of where a broker is, without the user and password, which may change. @param url that was connected to. */
export function brokerName(url: string): string {
  const { host, pathname } = new URL(url);
  return hash('sha256', `${host}${pathname}`).slice(0, 16);
}

/** Clocks are set a little, and uptime is as old as the broker's interval. */
const CLOCK_SLACK_S = 5;

/**
 * Compares what a broker received between two readings with what our counters counted meanwhile. A broker that was restarted
 * counts from 0 again, and so does a node that joined: what was between the readings nobody knows.
 */
export function compareBroker(
  check: Pick<BrokerCheck, 'tolerance' | 'waitSeconds'>,
  before: BrokerReading | undefined,
  now: BrokerReading,
): DriftFigures {
  const unknown = (reason: string) => unknownDrift('broker', reason);
  if (before === undefined) return unknown('there is no reading before it');
  if (before.broker !== now.broker) return unknown('it was declared for another broker');
  if (JSON.stringify(before.counters) !== JSON.stringify(now.counters)) {
    return unknown('it was declared for other counters');
  }
  const topics = Object.keys(now.messages);
  if (!sameNames(topics, Object.keys(before.messages))) {
    return unknown('nodes of the broker have come or gone');
  }
  const elapsedS = (Date.parse(now.at) - Date.parse(before.at)) / 1_000;
  const restarted = Object.entries(now.uptime).some(([topic, uptimeS]) => {
    const expectedS = (before.uptime[topic] ?? 0) + elapsedS;
    return uptimeS < expectedS - check.waitSeconds - CLOCK_SLACK_S;
  });
  const deltas = topics.map((topic) => difference(now.messages[topic], before.messages[topic]));
  if (restarted || deltas.some((delta) => delta < 0n)) return unknown('the broker was restarted');
  const ours = difference(now.accepted, before.accepted);
  if (ours < 0n) return unknown('our books are older than the reading before');
  const theirs = deltas.reduce((sum, delta) => sum + delta, 0n);
  return compareCounts('broker', theirs, ours, check.tolerance);
}

function difference(now: string | undefined, before: string | undefined): bigint {
  return BigInt(now ?? 0) - BigInt(before ?? 0);
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
