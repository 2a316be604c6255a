import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerCheck } from '@odometer/domain/cross-checks/cross-check-declaration';
import { OdometerError } from '@odometer/domain/errors';
import { connectAsync, type MqttClient } from 'mqtt';
import { abortAfter } from '../../abort-after.ts';

/** What a broker says of itself, by topic: a cluster has one for each node. */
export interface BrokerFigures {
  /** PUBLISH packets received since it started. */
  readonly messages: Readonly<Record<string, string>>;
  readonly bytes: Readonly<Record<string, string>>;
  /** Seconds since it started. */
  readonly uptime: Readonly<Record<string, number>>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A broker says all its figures at once; uptime comes among the first. */
const BURST_MS = 250;
/** A refused CONNACK of MQTT 3.1.1 and of MQTT 5: user or password, not authorized, banned. */
const DENIED: ReadonlySet<number> = new Set([4, 5, 134, 135, 138]);
const REFUSED_SUBSCRIPTION = 128;

/**
 * Asks a broker what it has received since it started. It says so every few seconds: what it has said before is known at once,
 * but is that old, and its next figures are waited for (`waitSeconds`), so that ours can be read at the same moment.
 *
 * @param url with user and password.
 * @throws OdometerError `target_unavailable`, `target_denied`, `target_invalid`
 */
export async function readBroker(
  check: BrokerCheck,
  url: string,
  signal: AbortSignal,
): Promise<BrokerFigures> {
  const target = `cross-check ${check.name}`;
  signal.throwIfAborted();
  const client = await connect(target, url);
  try {
    return await listen(client, check, target, signal);
  } finally {
    // Without a farewell: a broker that hangs would be waited for.
    await client.endAsync(true);
  }
}

async function connect(target: string, url: string): Promise<MqttClient> {
  if (!/^(mqtts?|wss?):/.test(url) || !URL.canParse(url)) {
    throw new OdometerError('target_invalid', {
      target,
      reason: 'its address is none of a broker: mqtt://user:password@host:1883',
    });
  }
  try {
    return await connectAsync(
      url,
      { reconnectPeriod: 0, connectTimeout: CONNECT_TIMEOUT_MS, clean: true },
      false,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;
    throw new OdometerError(DENIED.has(code) ? 'target_denied' : 'target_unavailable', {
      target,
      reason,
    });
  }
}

async function listen(
  client: MqttClient,
  { topics, waitSeconds }: BrokerCheck,
  target: string,
  signal: AbortSignal,
): Promise<BrokerFigures> {
  const { messages, bytes, uptime } = topics;
  const said = new Map<string, string>();
  // Nodes of a cluster speak when each of them likes: all of the time is waited.
  const hasNodes = /[+#]/.test(messages);
  const next = new AbortController();
  client.on('message', (topic, payload, { retain }) => {
    said.set(topic, payload.toString('utf8', 0, 64));
    // Its next figures: when it has an uptime, that is what it says at every interval.
    if (!retain && !hasNodes && fits(uptime ?? messages, topic)) next.abort();
  });
  const lost = failureOf(client, target);
  const filters = [messages, bytes, uptime].filter((filter) => filter !== null);
  await Promise.race([subscribe(client, filters, target), lost, rejectedBy(signal)]);
  const waiting = abortAfter(waitSeconds * 1_000, AbortSignal.any([next.signal, signal]));
  await Promise.race([once(waiting), lost]);
  await Promise.race([sleep(BURST_MS, undefined, { signal }), lost]);
  const figures = (filter: string | null) =>
    Object.fromEntries(
      [...said]
        .filter(([topic]) => fits(filter, topic))
        .map(([topic, text]) => [topic, wholeOf(target, topic, text)]),
    );
  const counts = figures(messages);
  if (Object.keys(counts).length === 0) {
    throw new OdometerError('target_invalid', {
      target,
      reason: `it says nothing at ${messages} within ${waitSeconds} s; its interval may be longer or 0, or we may not read it`,
    });
  }
  return {
    messages: counts,
    bytes: figures(bytes),
    uptime: Object.fromEntries(
      Object.entries(figures(uptime)).map(([topic, seconds]) => [topic, Number(seconds)]),
    ),
  };
}

/** Rejects when the connection is lost. */
function failureOf(client: MqttClient, target: string): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    const fail = (reason: string) =>
      reject(new OdometerError('target_unavailable', { target, reason }));
    // Both stay: an error that nobody listens to ends the process.
    client.on('error', ({ message }) => fail(message));
    client.on('close', () => fail('the connection was closed'));
  });
  lost.catch(() => {});
  return lost;
}

async function subscribe(
  client: MqttClient,
  filters: readonly string[],
  target: string,
): Promise<void> {
  const granted = await client.subscribeAsync([...filters], { qos: 0 }).catch(() => []);
  if (!client.connected) return;
  if (granted.length > 0 && granted.every(({ qos }) => Number(qos) < REFUSED_SUBSCRIPTION)) return;
  const reason = `we may not subscribe to ${filters.join(', ')}`;
  throw new OdometerError('target_denied', { target, reason });
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  const rejected = once(signal).then(() => {
    throw signal.reason;
  });
  rejected.catch(() => {});
  return rejected;
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Its first number: mosquitto says `123 seconds`. */
function wholeOf(target: string, topic: string, text: string): string {
  const digits = /^\s*(\d{1,20})(?!\d|[.,]\d)/.exec(text)?.[1];
  if (digits !== undefined) return String(BigInt(digits));
  throw new OdometerError('target_invalid', { target, reason: `${topic} says ${text}` });
}

/** Whether a topic fits a filter. https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html#_Toc3901242 */
function fits(filter: string | null, topic: string): boolean {
  if (filter === null) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if (wanted.at(-1) === '#') {
    wanted.pop();
    levels.length = Math.min(levels.length, wanted.length);
  }
  return (
    wanted.length === levels.length &&
    wanted.every((level, i) => level === '+' || level === levels[i])
  );
}
