import { connectAsync } from 'mqtt';
import { program, wallClockMs } from '../program.ts';

export interface SubscriberOptions {
  readonly url: string;
  readonly filter: string;
}

/** Waits until so many messages have come since the start. */
export interface WaitCommand {
  readonly count: number;
}

export interface WaitResult {
  /** When the last of them came. */
  readonly reachedAtMs: number;
}

/**
 * What the counter is compared with: MQTT.js as its documentation shows it, with a clean session, that only counts in
 * memory. It acknowledges at once; what it has counted is gone with the process.
 */
await program<SubscriberOptions, WaitCommand, WaitResult>(async ({ url, filter }) => {
  const client = await connectAsync(url, { clientId: 'bench-subscriber', clean: true });
  const counts = new Map<string, { messages: number; bytes: number }>();
  let messages = 0;
  let awaited = { count: Number.POSITIVE_INFINITY, reached: (_: WaitResult): void => {} };
  client.on('message', (topic, payload) => {
    const count = counts.get(topic);
    if (count === undefined) counts.set(topic, { messages: 1, bytes: payload.length });
    else {
      count.messages += 1;
      count.bytes += payload.length;
    }
    messages += 1;
    if (messages >= awaited.count) awaited.reached({ reachedAtMs: wallClockMs() });
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return ({ count }) =>
    new Promise((resolve, reject) => {
      if (messages > count) reject(new Error(`${messages} messages came, ${count} were sent`));
      awaited = { count, reached: resolve };
      if (messages === count) resolve({ reachedAtMs: wallClockMs() });
    });
});
