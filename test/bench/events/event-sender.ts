import { program, wallClockMs } from '../program.ts';
import { HttpConnection } from './http-connection.ts';
import { openLoop } from './open-loop.ts';
import { sampleCloudEvent } from './sample-event.ts';

export interface SenderOptions {
  readonly port: number;
  readonly secret: string;
  readonly connections: number;
  /** Events per request; 1 sends single events, not arrays of one. */
  readonly batch: number;
  readonly requests: number;
  readonly projects: number;
}

/** Sends the requests `from` ≤ i < `to`, each once, each after the answer of the one before it on its connection. */
export interface SendCommand {
  readonly from: number;
  readonly to: number;
  /** Instead: at this rate, whether answers come or not. */
  readonly perSecond?: number;
}

export interface SendResult {
  readonly startedAtMs: number;
  /** Refused with 503 and sent again. */
  readonly repeated: number;
  /** Of each request, from when it should have been sent to its answer; only for a given rate. */
  readonly latenciesMs: readonly number[];
}

/** After a 503; a real client waits for `Retry-After`, whose seconds would dominate a run of seconds. */
const REPEAT_AFTER_MS = 20;

await program<SenderOptions, SendCommand, SendResult>(async (options) => {
  const requests = Array.from({ length: options.requests }, (_, i) => prepare(i, options));
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => HttpConnection.open(options.port)),
  );
  let repeated = 0;

  async function send(connection: HttpConnection, index: number): Promise<void> {
    const request = requests[index];
    if (request === undefined) throw new RangeError(`no request ${index}`);
    for (;;) {
      const status = await connection.send(request);
      if (status === 204) return;
      if (status !== 503) throw new Error(`answered ${status}`);
      repeated += 1;
      await new Promise((resolve) => setTimeout(resolve, REPEAT_AFTER_MS));
    }
  }

  return async ({ from, to, perSecond }) => {
    repeated = 0;
    const startedAtMs = wallClockMs();
    if (perSecond !== undefined) {
      const open = () => HttpConnection.open(options.port);
      const latenciesMs = await openLoop({ connections, open, send, from, to, perSecond });
      return { startedAtMs, repeated, latenciesMs };
    }
    let next = from;
    await Promise.all(
      connections.map(async (connection) => {
        while (next < to) {
          const index = next;
          next += 1;
          await send(connection, index);
        }
      }),
    );
    return { startedAtMs, repeated, latenciesMs: [] };
  };
});

function prepare(index: number, { batch, projects, secret, port }: SenderOptions): Buffer {
  const nowMs = Date.now();
  const events = Array.from({ length: batch }, (_, i) =>
    sampleCloudEvent(index * batch + i, projects, nowMs),
  );
  const body = batch === 1 ? events.join('') : `[${events.join(',')}]`;
  const form = batch === 1 ? 'cloudevents' : 'cloudevents-batch';
  const head = [
    'POST /api/v1/events HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${secret}`,
    `Content-Type: application/${form}+json`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
