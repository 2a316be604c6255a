import type { AwsClients } from '@odometer/aws/aws-clients';
import { queueAccount } from '@odometer/aws/queue-account';
import { SqsConsumer, type SqsConsumerCounts } from '@odometer/aws/sqs-consumer';
import type { Logger } from 'pino';
import type { SqsSpec } from '../buckets/group-sources.ts';
import type { RunningSource } from './running-source.ts';

export interface SqsSource extends RunningSource {
  readonly counts: SqsConsumerCounts;
}

/**
 * Reads a queue.
 *
 * @param options.take resolves when all that a message says is durable; then it is deleted.
 */
export function runSqsSource(options: {
  readonly spec: SqsSpec;
  readonly clients: AwsClients;
  readonly receivers: number;
  readonly take: (text: string) => Promise<unknown>;
  readonly log: Logger;
}): SqsSource {
  const { spec, log, take } = options;
  const { region, roleArn, externalId } = spec;
  const startedAtMs = Date.now();
  const consumer = new SqsConsumer({
    client: options.clients.sqs({
      region,
      roleArn,
      externalId,
      account: queueAccount(spec.queueUrl),
    }),
    queueUrl: spec.queueUrl,
    receivers: options.receivers,
    handle: async ({ body }) => {
      await take(body);
    },
    log,
  });
  const started = consumer.start();
  return {
    counts: consumer.counts,
    silentMs: () => Date.now() - (consumer.lastReceiveAt ?? startedAtMs),
    async stop() {
      await started;
      await consumer.stop();
    },
  };
}
