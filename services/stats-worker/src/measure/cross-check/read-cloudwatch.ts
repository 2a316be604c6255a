import { type CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { awsFailure } from '@odometer/aws/aws-error';
import type { CloudWatchCheck } from '@odometer/domain/cross-checks/cross-check-declaration';
import { OdometerError } from '@odometer/domain/errors';

const HOUR_S = 3_600;
/** A week of hours for sixteen protocols is one page; more than this many go in a circle. */
const MAX_PAGES = 20;

/**
 * Messages that devices and applications have published to AWS IoT, by hour, over all protocols. AWS writes no datapoint where
 * there was nothing: that is 0. It is no zero when an answer is incomplete: then there is none.
 *
 * @param fromMs start of the first hour, and `toMs` the end of the last.
 * @returns start of the hour in milliseconds → messages, for each of the hours.
 * @throws OdometerError `target_unavailable`, `target_throttled`, `target_denied`, `target_invalid`
 */
export async function readCloudWatch(
  client: Pick<CloudWatchClient, 'send'>,
  check: Pick<CloudWatchCheck, 'name' | 'protocols'>,
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, bigint>> {
  const target = `cross-check ${check.name}`;
  const hours = new Map<number, bigint>();
  for (let ms = fromMs; ms < toMs; ms += HOUR_S * 1_000) hours.set(ms, 0n);
  const seen = new Set<string>();
  const queries = check.protocols.map((protocol, i) => ({
    Id: `p${i}`,
    MetricStat: {
      Metric: {
        Namespace: 'AWS/IoT',
        MetricName: 'PublishIn.Success',
        Dimensions: [{ Name: 'Protocol', Value: protocol }],
      },
      Period: HOUR_S,
      Stat: 'Sum',
    },
  }));
  let NextToken: string | undefined;
  for (let page = 1; ; page += 1) {
    const answer = await client
      .send(
        new GetMetricDataCommand({
          MetricDataQueries: queries,
          StartTime: new Date(fromMs),
          EndTime: new Date(toMs),
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
        { abortSignal: signal },
      )
      .catch((error: unknown) => {
        throw awsFailure(target, error);
      });
    for (const { Id, StatusCode, Timestamps = [], Values = [] } of answer.MetricDataResults ?? []) {
      refuseStatus(target, StatusCode);
      if (Timestamps.length !== Values.length) throw invalid(target, 'values without their times');
      Timestamps.forEach((at, i) => {
        const sum = hours.get(at.getTime());
        const value = Values[i];
        const point = `${Id} ${at.getTime()}`;
        if (sum === undefined || seen.has(point)) {
          throw invalid(target, `a datapoint of ${at.toISOString()} that nobody asked for`);
        }
        if (value === undefined || !Number.isSafeInteger(value) || value < 0) {
          throw invalid(target, `${value} messages at ${at.toISOString()}`);
        }
        seen.add(point);
        hours.set(at.getTime(), sum + BigInt(value));
      });
    }
    NextToken = answer.NextToken;
    if (NextToken === undefined) return hours;
    if (page === MAX_PAGES) throw invalid(target, `more than ${MAX_PAGES} pages`);
  }
}

function refuseStatus(target: string, status: string | undefined): void {
  // PartialData: the rest is on the next page.
  if (status === undefined || status === 'Complete' || status === 'PartialData') return;
  const params = { target, reason: `CloudWatch says ${status}` };
  throw status === 'Forbidden'
    ? new OdometerError('target_denied', params)
    : new OdometerError('target_unavailable', params);
}

function invalid(target: string, reason: string): OdometerError {
  return new OdometerError('target_invalid', { target, reason });
}
