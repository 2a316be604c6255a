import type { HttpConnection } from './http-connection.ts';

interface OpenLoop {
  readonly connections: readonly HttpConnection[];
  /** For when all are busy. */
  readonly open: () => Promise<HttpConnection>;
  readonly send: (connection: HttpConnection, index: number) => Promise<void>;
  readonly from: number;
  readonly to: number;
  readonly perSecond: number;
}

/**
 * Sends at a given rate, evenly, as clients that do not know of each other: one that waits for its answer keeps nobody
 * else from sending, and a pause of the server shows in the figures of all that should have been sent during it.
 *
 * @returns each request's latency from the moment when it should have been sent, milliseconds.
 */
export async function openLoop(loop: OpenLoop): Promise<readonly number[]> {
  const { open, send, from, to, perSecond } = loop;
  const idle = [...loop.connections];
  const latenciesMs: number[] = [];
  const sent: Promise<void>[] = [];
  const startedAtMs = performance.now();
  const dueAtMs = (index: number) => startedAtMs + ((index - from) * 1_000) / perSecond;

  async function sendOne(index: number): Promise<void> {
    const connection = idle.pop() ?? (await open());
    await send(connection, index);
    latenciesMs.push(performance.now() - dueAtMs(index));
    idle.push(connection);
  }

  for (let next = from; next < to; ) {
    while (next < to && dueAtMs(next) <= performance.now()) {
      sent.push(sendOne(next));
      next += 1;
    }
    // Shorter than a timer's millisecond, so that what is sent late is late by the server's doing.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(sent);
  for (const connection of idle) {
    if (!loop.connections.includes(connection)) connection.close();
  }
  return latenciesMs;
}
