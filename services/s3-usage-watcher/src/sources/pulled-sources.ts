import { AwsClients, type ThrottledRequests } from '@odometer/aws/aws-clients';
import type { SqsConsumerCounts } from '@odometer/aws/sqs-consumer';
import { declaredVariable } from '@odometer/service-kit/declared-variable';
import type { Logger } from 'pino';
import type { DeclaredSource, SourceSpec } from '../buckets/group-sources.ts';
import type { DeclaredBucket } from '../buckets/read-buckets.ts';
import type { NotificationIntake } from '../intake/notification-intake.ts';
import { runMqttSource } from './mqtt-source.ts';
import type { RunningSource } from './running-source.ts';
import { SourceSet } from './source-set.ts';
import { runSqsSource } from './sqs-source.ts';

export interface PulledSourcesOptions {
  readonly intake: NotificationIntake;
  /** Where the URLs of brokers are, which hold passwords. */
  readonly env: NodeJS.ProcessEnv;
  readonly sqsReceivers: number;
  readonly mqttSessionExpirySeconds: number;
  readonly log: Logger;
}

/** The queues and topics that are read, whatever is declared at the moment, and their figures since the process started. */
export class PulledSources {
  readonly name = 'sources';
  readonly #options: PulledSourcesOptions;
  readonly #clients = new AwsClients();
  readonly #set: SourceSet;
  /** Of every queue that was ever read, as counters must not fall when one is declared no more. */
  readonly #sqsCounts: SqsConsumerCounts[] = [];
  #brokerDisconnects = 0;

  constructor(options: PulledSourcesOptions) {
    this.#options = options;
    this.#set = new SourceSet({
      start: (spec, buckets) => this.#start(spec, buckets),
      log: options.log,
    });
  }

  get throttledRequests(): readonly ThrottledRequests[] {
    return this.#clients.throttledRequests;
  }

  get brokerDisconnects(): number {
    return this.#brokerDisconnects;
  }

  /** Sums over all queues. */
  get sqsCounts(): Omit<SqsConsumerCounts, 'received'> {
    const sum = {
      failed: 0,
      deleted: 0,
      deleteFailures: 0,
      extendFailures: 0,
      receiveErrors: { throttled: 0, denied: 0, unavailable: 0, invalid: 0, other: 0 },
    };
    for (const { receiveErrors, ...counts } of this.#sqsCounts) {
      sum.failed += counts.failed;
      sum.deleted += counts.deleted;
      sum.deleteFailures += counts.deleteFailures;
      sum.extendFailures += counts.extendFailures;
      for (const kind of Object.keys(receiveErrors) as (keyof typeof receiveErrors)[]) {
        sum.receiveErrors[kind] += receiveErrors[kind];
      }
    }
    return sum;
  }

  running(kind: SourceSpec['kind']): number {
    return this.#ofKind(kind).length;
  }

  /** 0 when there is none. */
  longestSilenceMs(kind: SourceSpec['kind']): number {
    return Math.max(0, ...this.#ofKind(kind).map((source) => source.silentMs()));
  }

  /** Makes what is read what is declared. */
  keep(declared: ReadonlyMap<string, DeclaredSource<SourceSpec>>): void {
    this.#set.keep(declared);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    await this.#set.stop();
    await this.#clients.stop();
  }

  #ofKind(kind: SourceSpec['kind']): readonly RunningSource[] {
    return [...this.#set.running]
      .filter(({ spec }) => spec.kind === kind)
      .map(({ source }) => source);
  }

  #start(spec: SourceSpec, buckets: () => readonly DeclaredBucket[]): RunningSource {
    const { intake, env, log } = this.#options;
    const take = async (text: string): Promise<void> => {
      await intake.whenRoom();
      await intake.take(spec.kind, text, buckets());
    };
    if (spec.kind === 'sqs') {
      const { sqsReceivers: receivers } = this.#options;
      const source = runSqsSource({ spec, clients: this.#clients, receivers, take, log });
      this.#sqsCounts.push(source.counts);
      return source;
    }
    const url = declaredVariable(env, spec.urlEnv, 'the broker');
    return runMqttSource({
      spec,
      url,
      sessionExpirySeconds: this.#options.mqttSessionExpirySeconds,
      take,
      onFailure: () => {
        this.#brokerDisconnects += 1;
      },
      log,
    });
  }
}
