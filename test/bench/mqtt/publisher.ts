import { connect } from 'node:net';
import { ORGANIZATION, projectSlug } from '../fleet.ts';
import { program, wallClockMs } from '../program.ts';
import { connectFrame, DISCONNECT_FRAME, publishFrame } from './publish-frames.ts';

export interface PublisherOptions {
  readonly port: number;
  readonly qos: 0 | 1;
  readonly projects: number;
}

/** Publishes so many messages, to each project in turn. */
export interface PublishCommand {
  readonly count: number;
  /** At this rate; as fast as the broker takes them without. */
  readonly perSecond?: number;
}

export interface PublishResult {
  readonly startedAtMs: number;
  /** When the last was acknowledged (QoS 1) or written (QoS 0). */
  readonly endedAtMs: number;
}

/** QoS 1 publishes that may wait for their PUBACK: enough never to wait for the broker's next turn. */
const WINDOW = 4_000;
/** One write: fewer and larger ones leave the cores to what is measured. */
const FRAMES_A_WRITE = 400;
const MAX_PACKET_ID = 65_535;
const PACING_INTERVAL_MS = 5;

/**
 * A publisher that costs next to nothing: whole frames are made before the clock starts and copied into large writes, and
 * of the PUBACKs only the bytes are counted. The same for everything that is measured.
 */
await program<PublisherOptions, PublishCommand, PublishResult>(async ({ port, qos, projects }) => {
  const frames = Array.from({ length: projects }, (_, i) =>
    publishFrame(`roboticks/${ORGANIZATION}/${projectSlug(i)}/d/telemetry/climate`, qos),
  );
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let receivedBytes = 0;
  let onReceived = (): void => {};
  socket.on('data', (chunk) => {
    receivedBytes += chunk.length;
    onReceived();
  });
  const received = (bytes: number) =>
    new Promise<void>((resolve) => {
      onReceived = () => {
        if (receivedBytes >= bytes) resolve();
      };
      onReceived();
    });
  socket.write(connectFrame('bench-publisher'));
  await received(4);
  socket.on('close', () => {
    throw new Error('the broker closed the connection');
  });
  process.on('disconnect', () => socket.write(DISCONNECT_FRAME));

  let packetId = 0;
  let nextProject = 0;

  function chunk(count: number): Buffer {
    const parts: Buffer[] = [];
    const ids: number[] = [];
    let length = 0;
    for (let i = 0; i < count; i += 1) {
      const frame = frames[nextProject];
      nextProject = nextProject + 1 === projects ? 0 : nextProject + 1;
      if (frame === undefined) throw new RangeError('no frame');
      parts.push(frame.bytes);
      if (frame.packetIdAt !== undefined) ids.push(length + frame.packetIdAt);
      length += frame.bytes.length;
    }
    const bytes = Buffer.concat(parts, length);
    for (const at of ids) {
      packetId = packetId === MAX_PACKET_ID ? 1 : packetId + 1;
      bytes.writeUInt16BE(packetId, at);
    }
    return bytes;
  }

  /** Publishes at once, as far as the window and the socket allow at a time. */
  async function publish(count: number): Promise<void> {
    const acksBefore = receivedBytes;
    for (let sent = 0; sent < count; ) {
      const frameCount = Math.min(FRAMES_A_WRITE, count - sent);
      sent += frameCount;
      if (!socket.write(chunk(frameCount))) {
        await new Promise<void>((resolve) => socket.once('drain', resolve));
      }
      if (qos === 1) await received(acksBefore + Math.max(0, sent - WINDOW) * 4);
    }
    if (qos === 1) await received(acksBefore + count * 4);
  }

  return async ({ count, perSecond }) => {
    const startedAtMs = wallClockMs();
    if (perSecond === undefined) await publish(count);
    else {
      for (let sent = 0; sent < count; ) {
        const due = Math.ceil(((wallClockMs() - startedAtMs) * perSecond) / 1_000);
        const now = Math.min(due, count) - sent;
        if (now > 0) await publish(now);
        sent += now;
        await new Promise((resolve) => setTimeout(resolve, PACING_INTERVAL_MS));
      }
    }
    return { startedAtMs, endedAtMs: wallClockMs() };
  };
});
