import { digestUuid } from '../digest.ts';
import type { EventEnvelope } from '../event-envelope.ts';
import type { Owner } from '../subject.ts';

/** Sources that begin with it are ours: whoever sent an event under one could take the place of one of ours. */
export const POSTHOC_SOURCE = 'posthoc/';

/** The source of a metric's events; their ids are unique within it. */
function posthocSource(metric: string): string {
  return `${POSTHOC_SOURCE}${metric}`;
}

/** A row of an answer: whose, and of what. */
export interface AnswerKey extends Owner {
  readonly dimensions: Readonly<Record<string, string | null>>;
}

/**
 * Names a row within its window, in whatever order the dimensions are declared. JSON keeps apart what has a quote, is empty
 * or is null.
 */
export function answerRowKey({ organization, project, dimensions }: AnswerKey): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return digestUuid(JSON.stringify([organization, project, sorted]));
}

/** By how much a window's usage is more, or less, than was shipped of it before. */
export interface UsageDifference extends AnswerKey {
  readonly metric: string;
  readonly eventType: string;
  readonly windowStartMs: number;
  readonly revision: number;
  readonly rowKey: string;
  /** Decimal text, negative when it is less. */
  readonly difference: string;
}

/**
 * The event of a difference. Everything that makes up its identity and its fingerprint comes from the stored row, so that it
 * is the same event however often it is built, and counts once.
 */
export function posthocEvent(row: UsageDifference, nowMs: number): EventEnvelope {
  const window = new Date(row.windowStartMs).toISOString();
  return {
    organization: row.organization,
    project: row.project,
    id: `posthoc.${row.metric}.${window}.${row.revision}.${row.rowKey}`,
    source: posthocSource(row.metric),
    type: row.eventType,
    subject: `${row.organization}/${row.project}`,
    // Its usage is that of the window, whenever it is found out: a final month gets an adjustment by it.
    time: window,
    data: { ...row.dimensions, value: row.difference },
    attributes: { posthocrevision: row.revision },
    posthoc: true,
    ingestedAtMs: nowMs,
  };
}
