import { hash } from 'node:crypto';
import { backoffMs, pause } from '@odometer/queues/backoff';
import type { Logger } from 'pino';
import type { MqttSpec } from '../buckets/group-sources.ts';
import { runMqttSession } from './mqtt-session.ts';
import type { RunningSource } from './running-source.ts';

const RECONNECT_BACKOFF = { firstMs: 500, capMs: 30_000 };
/** Two watchers with one session take turns rather than fight; neither loses or counts anything twice. */
const TAKEN_OVER_PAUSE_MS = 60_000;

/**
 * The name under which the broker keeps what a watcher that is away has not seen: of the topic, and not of the process, so
 * that whatever process comes next finds it.
 */
export function mqttClientId({ urlEnv, topic }: MqttSpec): string {
  return `odometer-storage-${hash('sha256', `${urlEnv}\n${topic}`).slice(0, 16)}`;
}

/**
 * Reads a topic.
 *
 *   connecting ──▶ live ──lost──▶ waiting (backoff; a minute after a takeover) ──▶ connecting …; stop() from each ──▶ stopped
 *
 * @param options.take resolves when all that a message says is durable.
 */
export function runMqttSource(options: {
  readonly spec: MqttSpec;
  readonly url: string;
  readonly sessionExpirySeconds: number;
  readonly take: (text: string) => Promise<unknown>;
  readonly onFailure: () => void;
  readonly log: Logger;
}): RunningSource {
  const { spec, log } = options;
  const clientId = mqttClientId(spec);
  const abort = new AbortController();
  const { signal } = abort;
  let isLive = false;
  let lastLiveMs = performance.now();
  let attempt = 0;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      attempt += 1;
      const { takenOver, error } = await session().catch((reason: Error) => ({
        takenOver: false,
        error: reason,
      }));
      if (isLive) lastLiveMs = performance.now();
      isLive = false;
      if (signal.aborted) return;
      options.onFailure();
      const { topic } = spec;
      if (takenOver) log.error({ event: 'mqtt_session_taken_over', clientId, topic });
      else if (attempt === 1) log.warn({ event: 'mqtt_connection_lost', clientId, topic, error });
      const delayMs = takenOver ? TAKEN_OVER_PAUSE_MS : backoffMs(RECONNECT_BACKOFF, attempt);
      await pause(delayMs, signal);
    }
  }

  async function session(): ReturnType<typeof runMqttSession> {
    return runMqttSession({
      ...options,
      clientId,
      topic: spec.topic,
      signal,
      onLive: () => {
        isLive = true;
        attempt = 0;
        log.info({ event: 'mqtt_subscribed', clientId, topic: spec.topic });
      },
    });
  }

  const running = run();
  return {
    silentMs: () => (isLive ? 0 : performance.now() - lastLiveMs),
    async stop() {
      abort.abort();
      await running;
    },
  };
}
