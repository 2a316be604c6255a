import { setTimeout as sleep } from 'node:timers/promises';
import type { GapReason } from '@odometer/database/gaps';
import type { Pool } from '@odometer/database/pool';
import {
  acknowledge,
  epochRange,
  openEpoch,
  storedFilter,
  storeFilter,
} from '@odometer/database/sources';
import { batchJobId } from '@odometer/domain/batch';
import type { TopicTemplate } from '@odometer/domain/topic-template';
import type { CountBatch } from '@odometer/queues/catalogue';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { FlushLoop } from './flush-loop.ts';
import type { GapLog } from './gap-log.ts';
import { MessageCounter, RECEIVE_MAXIMUM } from './message-counter.ts';
import type { MqttEndpoint } from './mqtt-endpoint.ts';
import {
  type Connected,
  type SubscriberOptions,
  SubscriberSession,
  TakenOver,
} from './subscriber-session.ts';
import { sealPredecessors } from './takeover.ts';
import { TopicInterning } from './topic-interning.ts';

/**
 * How long nothing must have come, and a ping been answered after it, before the mark is given up. The broker
 * redelivers at once when a client connects; one that first fetches the session from a disk gets this much time.
 * Giving up too early would count twice, waiting only delays.
 */
const MARK_SILENCE_MS = 5_000;

/** Half a window: often enough that no message of an honest broker is deferred, seldom enough to cost nothing. */
const CONFIRM_PUBACKS = RECEIVE_MAXIMUM / 2;

export interface MqttCounterParts {
  readonly endpoint: MqttEndpoint;
  /** The source's name; one process at a time may count for it. */
  readonly clientId: string;
  readonly instance: string;
  readonly template: TopicTemplate;
  readonly filter: string;
  readonly perDevice: boolean;
  readonly keepaliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly pool: Pool;
  readonly queue: JobQueue<'counts'>;
  readonly gaps: GapLog;
  readonly log: Logger;
  readonly onFlush: (batch: CountBatch, durationMs: number) => void;
  readonly onFlushRetry: () => void;
  readonly onReconnect: () => void;
  /** Another process counts for this source now; this one must end, and not come back by itself. */
  readonly onTakenOver: () => void;
  readonly onBug: (error: unknown) => void;
}

/**
 * One life of the source: its epoch, its session, its counts.
 *
 *   new ─epoch opened─▶ connecting ─CONNACK─▶ taking over ─predecessors sealed─▶ counting
 *                                                  ▲ a connection lost here is opened again, the takeover goes on
 *   counting ─connection lost─▶ counting, with what is in memory; the mark is the last packet id counted
 *   any ─a newer epoch, or DISCONNECT 0x8E─▶ taken over (ends at once: what is not durable is the successor's)
 *   any ─stop()─▶ drained (all that was counted is durable, the last message's PUBACK stays withheld)
 *
 * The epoch is opened before the connection, and is compared with the newest one before and after each CONNECT. So the
 * order of epochs is the order in which processes held the session: the newest epoch's owner has it, and everybody
 * older notices before reading anything. In the order CONNECT, epoch, a slow predecessor could take a newer epoch than
 * its successor and seal it while that one is acknowledging. Hence a connection needs Postgres; counting on it does not.
 *
 * Nothing is subscribed while the mark is awaited, or before a dropped one is durably gone. Otherwise, after a crash in
 * that moment, messages of the new session would meet the mark of the old one, and be taken for counted.
 */
export class MqttCounter implements Component {
  readonly name = 'mqtt-counter';
  readonly #parts: MqttCounterParts;
  readonly #session: SubscriberSession;
  readonly #topics: TopicInterning;
  readonly #abort = new AbortController();
  #epoch: string | undefined;
  #isFirstEver = false;
  /** The broker forgot the session, and no gap says so yet. */
  #loss: { readonly sinceMs: number | undefined } | undefined;
  /** The stored mark is not valid any more, and no durable flush says so yet. */
  #markIsVoid = false;
  #connections = 0;
  /** PUBACKs sent on this connection since the last ping that asked for their confirmation. */
  #unconfirmed = 0;
  #confirming = false;
  #takeover: Promise<MessageCounter> | undefined;
  #counter: MessageCounter | undefined;
  #flushes: FlushLoop | undefined;
  #acknowledgedSeq = 0;
  #strays: readonly string[] = [];
  #filterIsStored = false;
  #stopped: Promise<void> | undefined;

  constructor(parts: MqttCounterParts) {
    this.#parts = parts;
    this.#topics = new TopicInterning(parts.template, parts.perDevice);
    const options: SubscriberOptions = {
      ...parts.endpoint,
      clientId: parts.clientId,
      filter: parts.filter,
      keepaliveSeconds: parts.keepaliveSeconds,
      sessionExpirySeconds: parts.sessionExpirySeconds,
      receiveMaximum: RECEIVE_MAXIMUM,
    };
    this.#session = new SubscriberSession(options, {
      connecting: () => this.#connecting(),
      connected: (connected) => this.#connected(connected),
      publish: (qos, retain, packetId, bytes, start, end, payloadBytes) =>
        this.#counter?.publish(qos, retain, packetId, bytes, start, end, payloadBytes),
      chunkStart: () => this.#counter?.tick(Date.now()),
      chunkEnd: () => this.#flushes?.poke(),
      subscribed: () => this.#subscribed(),
      lost: (error, retryInMs) => this.#lost(error, retryInMs),
      takenOver: () => this.#takenOver(),
    });
  }

  get isLive(): boolean {
    return this.#session.isLive;
  }

  /** How many QoS 1 messages the broker sends without a PUBACK, as far as it tells. */
  get window(): number {
    return this.#session.window;
  }

  /** Undefined until the takeover is complete. */
  get counter(): MessageCounter | undefined {
    return this.#counter;
  }

  /** Resolves when messages flow, or a stop overtook it. Waits for the broker and the stores as long as it takes. */
  async start(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#session.start();
    while (!this.#session.isLive && !this.#abort.signal.aborted) await this.#pause(10);
  }

  /** Reads no more, makes durable what was counted, acknowledges it, says goodbye. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  /** Tells Postgres how far this life got; about once a second. @throws what Postgres says */
  async acknowledge(): Promise<void> {
    await this.#parts.gaps.write();
    const durable = this.#flushes?.durable;
    if (this.#epoch === undefined || durable === undefined) return;
    if (durable.seq === this.#acknowledgedSeq) return;
    await acknowledge(this.#parts.pool, { epoch: this.#epoch, ...durable });
    this.#acknowledgedSeq = durable.seq;
  }

  async #stop(): Promise<void> {
    this.#session.pauseReading();
    this.#abort.abort();
    await this.#flushes?.drain();
    await this.#session.stop();
    await this.acknowledge().catch((error: unknown) => {
      this.#parts.log.warn({ event: 'last_acknowledgement_failed', error });
    });
  }

  async #connecting(): Promise<void> {
    const { pool, clientId: source, instance } = this.#parts;
    if (this.#epoch !== undefined) {
      await this.#assertNewest(this.#epoch);
      return;
    }
    const epoch = await openEpoch(pool, { source, kind: 'mqtt', instance });
    this.#epoch = epoch;
    this.#parts.log.info({ event: 'epoch_opened', epoch });
  }

  async #connected(connected: Connected): Promise<void> {
    const { sessionPresent, lostAtMs, brokerWasDown } = connected;
    this.#connections += 1;
    const connection = this.#connections;
    const known = this.#counter;
    // Before anything is awaited: a flush that becomes durable meanwhile must not acknowledge on this connection what
    // it read on the last one, for it is being redelivered.
    known?.connected(sessionPresent);
    this.#unconfirmed = 0;
    this.#confirming = false;
    if (!sessionPresent) {
      this.#markIsVoid = true;
      this.#loss = { sinceMs: lostAtMs };
    }
    if (brokerWasDown) this.#gap('broker_restarted', lostAtMs, {});
    const epoch = this.#epoch;
    if (epoch === undefined) throw new Error('connected without an epoch');
    await this.#assertNewest(epoch);
    // A source that never counted has lost nothing.
    if (this.#loss !== undefined && (known !== undefined || !this.#isFirstEver)) {
      this.#gap('session_lost', this.#loss.sinceMs, {});
    }
    this.#loss = undefined;
    await this.#parts.gaps.write();
    if (known === undefined) {
      this.#takeover ??= this.#takeOver(epoch).finally(() => {
        this.#takeover = undefined;
      });
      const counter = await this.#takeover;
      if (connection !== this.#connections) return;
      counter.connected(!this.#markIsVoid);
    }
    await this.#makeMarkDurable(connection);
    if (connection !== this.#connections) return;
    if (this.#counter?.awaitsMark) {
      this.#awaitMark(connection).catch((error: Error) => this.#session.reconnect(error));
    } else this.#session.subscribe(this.#strays);
  }

  /** When the stored mark is void, replaces it. */
  async #makeMarkDurable(connection: number): Promise<void> {
    if (!this.#markIsVoid) return;
    await this.#flushes?.barrier();
    if (connection === this.#connections) this.#markIsVoid = false;
  }

  async #assertNewest(epoch: string): Promise<void> {
    const range = await epochRange(this.#parts.pool, this.#parts.clientId);
    if (range?.newest !== epoch) throw new TakenOver(`epoch ${range?.newest} follows ${epoch}`);
    this.#isFirstEver = range.oldest === epoch;
  }

  async #takeOver(epoch: string): Promise<MessageCounter> {
    const { pool, queue, clientId: source, filter, log, onBug } = this.#parts;
    const signal = this.#abort.signal;
    const mark = await sealPredecessors({ pool, queue, source, epoch, signal });
    const stored = await storedFilter(pool, source);
    this.#strays = stored === null || stored === filter ? [] : [stored];
    // Stopped or replaced meanwhile: what begins now nobody would end.
    signal.throwIfAborted();
    const counter = new MessageCounter(this.#topics, mark, Date.now());
    this.#counter = counter;
    this.#flushes = new FlushLoop({
      source,
      epoch,
      counter,
      enqueue: (batch, signal) => this.#enqueue(batch, signal),
      acknowledge: (packetIds) => this.#acknowledge(packetIds),
      onDurable: this.#parts.onFlush,
      onBug,
    });
    this.#flushes.start();
    log.info({ event: 'taken_over', epoch, mark });
    return counter;
  }

  async #enqueue(batch: CountBatch, signal: AbortSignal): Promise<void> {
    const { queue, log, onFlushRetry } = this.#parts;
    await enqueueUntilDurable(queue, 'count-batch', batch, batchJobId(batch), {
      signal,
      onRetry: ({ attempt, delayMs, error }) => {
        onFlushRetry();
        log.warn({ event: 'flush_retried', seq: batch.seq, attempt, delayMs, error });
      },
    });
  }

  #acknowledge(packetIds: Uint16Array): void {
    this.#session.acknowledge(packetIds);
    this.#unconfirmed += packetIds.length;
    this.#confirm(this.#connections);
  }

  /** Asks the broker now and then whether it has read our PUBACKs: until then it may hold what they are for. */
  #confirm(connection: number): void {
    const count = this.#unconfirmed;
    if (this.#confirming || count < CONFIRM_PUBACKS) return;
    this.#confirming = true;
    this.#unconfirmed = 0;
    this.#session.roundTrip().then(() => {
      if (connection !== this.#connections) return;
      this.#confirming = false;
      this.#counter?.confirmed(count);
      this.#flushes?.poke();
      this.#confirm(connection);
    }, this.#parts.onBug);
  }

  /** Reading goes on meanwhile: the mark may be far down the stream. */
  async #awaitMark(connection: number): Promise<void> {
    const counter = this.#counter;
    const isCurrent = (): boolean => connection === this.#connections;
    let seen = -1;
    let silentSinceMs = performance.now();
    while (counter?.awaitsMark && isCurrent() && !this.#abort.signal.aborted) {
      if (counter.markIsOverdue) {
        await this.#giveUpMark(counter, connection);
      } else if (counter.unacknowledged !== seen) {
        seen = counter.unacknowledged;
        silentSinceMs = performance.now();
      } else if (performance.now() - silentSinceMs >= MARK_SILENCE_MS) {
        await this.#session.roundTrip();
        if (isCurrent() && counter.awaitsMark && counter.unacknowledged === seen) {
          await this.#giveUpMark(counter, connection);
        }
      }
      await this.#pause(5);
    }
    if (isCurrent() && !this.#abort.signal.aborted) this.#session.subscribe(this.#strays);
  }

  async #giveUpMark(counter: MessageCounter, connection: number): Promise<void> {
    const messages = counter.giveUpMark();
    this.#markIsVoid = true;
    this.#gap('mark_missing', undefined, { messages });
    await this.#makeMarkDurable(connection);
    // Postgres may be away: then the next acknowledgement writes it.
    await this.#parts.gaps.write().catch(() => undefined);
  }

  #subscribed(): void {
    const { pool, clientId, filter, log } = this.#parts;
    log.info({ event: 'subscribed', filter });
    this.#strays = [];
    if (this.#filterIsStored) return;
    storeFilter(pool, clientId, filter).then(
      () => {
        this.#filterIsStored = true;
      },
      // Then a later start unsubscribes a filter that is gone, which does no harm; so does trying on the next connect.
      (error: unknown) => log.warn({ event: 'filter_not_stored', error }),
    );
  }

  #lost(error: Error, retryInMs: number): void {
    this.#parts.log.warn({ event: 'broker_connection_lost', error, retryInMs });
    this.#parts.onReconnect();
  }

  #takenOver(): void {
    const { log, clientId, onTakenOver } = this.#parts;
    log.error({ event: 'session_taken_over', clientId });
    this.#flushes?.abort();
    this.#abort.abort();
    onTakenOver();
  }

  #gap(
    reason: GapReason,
    startedAtMs: number | undefined,
    detail: Readonly<Record<string, unknown>>,
  ): void {
    this.#parts.gaps.note({
      source: this.#parts.clientId,
      epoch: this.#epoch ?? null,
      reason,
      startedAtMs: startedAtMs ?? null,
      endedAtMs: Date.now(),
      detail,
    });
  }

  async #pause(durationMs: number): Promise<void> {
    await sleep(durationMs, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }
}
