import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { FrameScanner, MalformedStream } from './frame-scanner.ts';

type Seen = readonly unknown[];

function scan(stream: Buffer, cuts: readonly number[]): Seen[] {
  const seen: Seen[] = [];
  const scanner = new FrameScanner({
    publish(qos, retain, packetId, bytes, start, end, payloadBytes) {
      seen.push([qos, retain, packetId, bytes.toString('hex', start, end), payloadBytes]);
    },
    packet(type, bytes) {
      seen.push([type, bytes.toString('hex')]);
      return true;
    },
  });
  // The same memory again for every chunk, as the socket does it.
  const memory = Buffer.alloc(stream.length + 7);
  let at = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), stream.length]) {
    const chunk = stream.subarray(at, cut);
    memory.fill(0xee);
    chunk.copy(memory, 7);
    expect(scanner.push(memory, 7, 7 + chunk.length)).toBe(7 + chunk.length);
    at = cut;
  }
  return seen;
}

const topic = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
// mqtt-packet gives an empty packet for a property name such as __proto__.
const userProperties = fc.dictionary(fc.stringMatching(/^[a-z]{1,30}$/), topic, {
  minKeys: 1,
  maxKeys: 8,
  noNullPrototype: true,
});
const publish = fc
  .record({
    topic: fc.oneof(
      topic,
      topic.map((text) => text.repeat(200)),
    ),
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    messageId: fc.integer({ min: 1, max: 65_535 }),
    payloadBytes: fc.oneof(fc.nat(10), fc.nat(300), fc.nat(40_000)),
    userProperties: fc.oneof(fc.constant(undefined), userProperties),
  })
  .map(({ payloadBytes, userProperties, ...rest }) => {
    const packet: Packet = {
      cmd: 'publish',
      dup: false,
      payload: Buffer.alloc(payloadBytes, 7),
      ...rest,
      ...(userProperties === undefined ? {} : { properties: { userProperties } }),
    };
    const expected: Seen = [
      rest.qos,
      rest.retain,
      rest.qos === 0 ? 0 : rest.messageId,
      Buffer.from(rest.topic).toString('hex'),
      payloadBytes,
    ];
    return { bytes: generate(packet, { protocolVersion: 5 }), expected };
  });
const other = fc
  .constantFrom<Packet>(
    { cmd: 'pingresp' },
    { cmd: 'connack', reasonCode: 0, sessionPresent: true, properties: { receiveMaximum: 20 } },
    { cmd: 'suback', messageId: 9, granted: [1], properties: { reasonString: 'x'.repeat(500) } },
    { cmd: 'disconnect', reasonCode: 0x8e },
  )
  .map((packet) => {
    const bytes = generate(packet, { protocolVersion: 5 });
    return { bytes, expected: [(bytes[0] as number) >> 4, bytes.toString('hex')] as Seen };
  });

test('whatever the chunks, the same packets come out', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ arbitrary: publish, weight: 4 }, other), { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (frames, positions) => {
        const stream = Buffer.concat(frames.map((frame) => frame.bytes));
        const cuts = positions.map((position) => position % (stream.length + 1));
        expect(scan(stream, cuts)).toEqual(frames.map((frame) => frame.expected));
      },
    ),
    { numRuns: 400 },
  );
});

test('byte by byte, the same packets come out', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(publish, other), { maxLength: 2 }), (frames) => {
      const stream = Buffer.concat(frames.map((frame) => frame.bytes)).subarray(0, 2_000);
      const whole = scan(stream, []);
      expect(scan(stream, [...stream.keys()])).toEqual(whole);
    }),
    { numRuns: 30 },
  );
});

test('bytes that are no MQTT end in MalformedStream or in silence, never in another error', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.nat(400), { maxLength: 10 }),
      (bytes, positions) => {
        const stream = Buffer.from(bytes);
        try {
          scan(
            stream,
            positions.map((position) => position % (stream.length + 1)),
          );
        } catch (error) {
          if (!(error instanceof MalformedStream)) throw error;
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

test('whole or in pieces, bytes that are no MQTT are judged alike', () => {
  const verdict = (stream: Buffer, cuts: readonly number[]): unknown => {
    try {
      return scan(stream, cuts);
    } catch (error) {
      return error instanceof MalformedStream ? 'malformed' : error;
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      // A PUBLISH of honest length with nonsense inside.
      const stream = Buffer.from([0x30 | ((bytes[0] ?? 0) & 7), bytes.length, ...bytes]);
      expect(verdict(stream, [...stream.keys()])).toEqual(verdict(stream, []));
    }),
    { numRuns: 2_000 },
  );
});

describe('stopping', () => {
  test('after the packet that asked for it, wherever the chunk ends, and goes on later', () => {
    const connack = generate(
      { cmd: 'connack', reasonCode: 0, sessionPresent: false },
      { protocolVersion: 5 },
    );
    const message = generate(
      { cmd: 'publish', topic: 't', payload: 'x', qos: 0, dup: false, retain: false },
      { protocolVersion: 5 },
    );
    const stream = Buffer.concat([connack, message]);
    for (let cut = 0; cut <= connack.length; cut += 1) {
      let messages = 0;
      const scanner = new FrameScanner({
        publish: () => {
          messages += 1;
        },
        packet: () => false,
      });
      if (cut < connack.length) expect(scanner.push(stream, 0, cut)).toBe(cut);
      const from = cut < connack.length ? cut : 0;
      expect(scanner.push(stream, from, stream.length)).toBe(connack.length);
      expect(messages).toBe(0);
      expect(scanner.push(stream, connack.length, stream.length)).toBe(stream.length);
      expect(messages).toBe(1);
    }
  });
});

test('a payload of 256 MB is skipped in constant memory', () => {
  const sizes: number[] = [];
  const scanner = new FrameScanner({
    publish: (...args) => {
      sizes.push(args[6]);
    },
    packet: () => true,
  });
  const remaining = 268_435_455;
  const head = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x74, 0]);
  scanner.push(head, 0, head.length);
  const zeros = Buffer.alloc(65_536);
  let left = remaining - 4;
  const before = process.memoryUsage().rss;
  while (left > 0) {
    const bytes = Math.min(left, zeros.length);
    expect(scanner.push(zeros, 0, bytes)).toBe(bytes);
    left -= bytes;
  }
  expect(sizes).toEqual([remaining - 4]);
  expect(process.memoryUsage().rss - before).toBeLessThan(32 * 1024 * 1024);
});
