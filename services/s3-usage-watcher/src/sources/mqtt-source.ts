import { hash } from 'node:crypto';
import { backoffMs } from '@odometer/domain/backoff';
import { pause } from '@odometer/queues/pause';
import type { Logger } from 'pino';
import type { MqttSpec } from '../buckets/group-sources.ts';
import { runMqttSession } from './mqtt-session.ts';
import type { RunningSource } from './running-source.ts';

const RECONNECT_BACKOFF = { firstMs: 500, capMs: 30_000 };
/**
 * A connection that lasted this long was well, and the next one is tried at once again. Two watchers with one session end each
 * other's: so they come to take turns, every half a minute, instead of fighting. Neither loses anything or counts it twice.
 */
const STABLE_MS = 60_000;

/**
 * The name under which the broker keeps what a watcher that is away has not seen: of the installation and the topic, and not of
 * the process, so that whatever process comes next finds it, and nobody else does.
 */
function mqttClientId({ installation, urlEnv, topic }: MqttSpec): string {
  const name = `${installation}\n${urlEnv}\n${topic}`;
  return `odometer-storage-${hash('sha256', name).slice(0, 16)}`;
}

/**
 * Reads a topic.
 *
 *   connecting ──▶ live ──lost──▶ waiting ──▶ connecting …; stop() from each ──▶ stopped
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
  const { topic } = options.spec;
  const { log } = options;
  const clientId = mqttClientId(options.spec);
  const abort = new AbortController();
  const { signal } = abort;
  let liveSinceMs: number | undefined;
  let lastLiveMs = performance.now();

  async function run(): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const error = await runMqttSession({
        ...options,
        clientId,
        topic,
        signal,
        onLive: () => {
          liveSinceMs = performance.now();
          log.info({ event: 'mqtt_subscribed', clientId, topic });
        },
      });
      if (liveSinceMs !== undefined) {
        lastLiveMs = performance.now();
        if (lastLiveMs - liveSinceMs >= STABLE_MS) attempt = 1;
        liveSinceMs = undefined;
      }
      if (signal.aborted) return;
      options.onFailure();
      const delayMs = backoffMs(RECONNECT_BACKOFF, attempt);
      log.warn({ event: 'mqtt_connection_lost', clientId, topic, attempt, delayMs, error });
      await pause(delayMs, signal);
    }
  }

  const running = run();
  return {
    silentMs: () => (liveSinceMs === undefined ? performance.now() - lastLiveMs : 0),
    async stop() {
      abort.abort();
      await running;
    },
  };
}
