import type { AwsClients } from '@odometer/aws/aws-clients';
import { completeFigures } from '@odometer/database/measuring/complete-figures';
import {
  messagesEverCounted,
  messagesOfHours,
} from '@odometer/database/measuring/counted-messages';
import { findMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import type { Pool } from '@odometer/database/pool';
import {
  type BrokerCheck,
  type CloudWatchCheck,
  type CrossCheckDeclaration,
  crossCheckDeclarationSchema,
} from '@odometer/domain/cross-checks/cross-check-declaration';
import { OdometerError } from '@odometer/domain/errors';
import { hourStart, toTimestamp } from '@odometer/domain/period';
import { declaredVariable } from '@odometer/service-kit/declared-variable';
import type { Logger } from '@odometer/service-kit/logging';
import { keepHold } from '../keep-hold.ts';
import type { Figures, Measurer } from '../process-measure.ts';
import {
  type BrokerReading,
  brokerName,
  brokerReadingSchema,
  compareBroker,
} from './compare-broker.ts';
import { compareCounts, type DriftFigures } from './drift.ts';
import { readBroker } from './read-broker.ts';
import { readCloudWatch } from './read-cloudwatch.ts';

export interface CrossCheckParts {
  readonly pool: Pool;
  readonly aws: Pick<AwsClients, 'cloudWatch'>;
  /** Where the addresses of brokers are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Pick<Logger, 'error'>;
  readonly nowMs: () => number;
}

const HOUR_MS = 3_600_000;

/** Compares what a declared other side has counted with what our counters have. It changes nothing. */
export function createCrossCheckMeasurer(parts: CrossCheckParts): Measurer {
  return async (measurement, signal) => {
    const { target } = measurement;
    const found = await findMeasuredTarget(parts.pool, 'cross_check', target);
    if (found === undefined) {
      throw new OdometerError('measurement_refused', {
        reason: `there is no cross-check ${target} any more`,
      });
    }
    const { data: check } = crossCheckDeclarationSchema.safeParse(found.declaration);
    if (check === undefined) {
      throw new OdometerError('measurement_refused', {
        reason: 'it is declared by another version',
      });
    }
    return keepHold(parts.pool, measurement, signal, (held) =>
      check.source === 'cloudwatch'
        ? compareWithCloudWatch(parts, check, held)
        : compareWithBroker(parts, check, held),
    );
  };
}

async function compareWithCloudWatch(
  parts: CrossCheckParts,
  check: CloudWatchCheck,
  signal: AbortSignal,
): Promise<Figures> {
  const { region, endpoint, roleArn, externalId } = check;
  const toMs = hourStart(parts.nowMs() - check.delayMinutes * 60_000);
  const fromMs = toMs - check.hours * HOUR_MS;
  const client = parts.aws.cloudWatch({ region, endpoint, roleArn, externalId });
  const hours = await readCloudWatch(client, check, fromMs, toMs, signal);
  const countedOf = await messagesOfHours(parts.pool, new Date(fromMs), new Date(toMs));
  const compared: { hour: string; theirs: string; ours: string }[] = [];
  let theirs = 0n;
  let ours = 0n;
  for (const [hourMs, messages] of hours) {
    const counted = countedOf.get(hourMs) ?? '0';
    theirs += messages;
    ours += BigInt(counted);
    compared.push({ hour: toTimestamp(hourMs), theirs: String(messages), ours: counted });
  }
  const drift = compareCounts('cloudwatch', theirs, ours, check.tolerance);
  report(parts, check, drift);
  return { ...drift, from: toTimestamp(fromMs), to: toTimestamp(toMs), hours: compared };
}

async function compareWithBroker(
  parts: CrossCheckParts,
  check: BrokerCheck,
  signal: AbortSignal,
): Promise<Figures> {
  const url = declaredVariable(parts.env, check.urlEnv, `cross-check ${check.name}`);
  const figures = await readBroker(check, url, signal);
  // At once: what the counters count from here on the broker has received since, too.
  const counted = await messagesEverCounted(parts.pool, check.counters ?? null);
  const now: BrokerReading = {
    at: toTimestamp(parts.nowMs()),
    broker: brokerName(url),
    counters: check.counters ?? null,
    ...figures,
    ...counted,
  };
  const [last] = await completeFigures(parts.pool, 'cross_check', check.name);
  const before = brokerReadingSchema.safeParse(last?.figures.reading).data;
  const drift = compareBroker(check, before, now);
  report(parts, check, drift);
  return { ...drift, from: before?.at ?? null, to: now.at, reading: now };
}

function report(
  { log }: CrossCheckParts,
  { name }: CrossCheckDeclaration,
  drift: DriftFigures,
): void {
  if (drift.withinTolerance === false) {
    log.error({ event: 'broker_drift_exceeded', crossCheck: name, ...drift });
  }
}
