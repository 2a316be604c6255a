import { generate, type Packet, parser } from 'mqtt-packet';

const MQTT_5 = { protocolVersion: 5 } as const;

/** Reads one whole packet that is no PUBLISH. @throws Error when it is malformed. */
export function decodePacket(bytes: Buffer): Packet {
  const reader = parser(MQTT_5);
  let decoded: Packet | undefined;
  let problem: Error | undefined;
  reader.on('packet', (packet) => {
    decoded = packet;
  });
  reader.on('error', (error) => {
    problem = error;
  });
  reader.parse(bytes);
  if (decoded === undefined) throw problem ?? new Error('incomplete packet');
  return decoded;
}

export function encodePacket(packet: Packet): Buffer {
  return generate(packet, MQTT_5);
}

/** PUBACKs with reason Success, four bytes each, as one piece: a flush acknowledges thousands in one write. */
export function encodePubacks(packetIds: Uint16Array): Buffer {
  const bytes = Buffer.allocUnsafe(packetIds.length * 4);
  let at = 0;
  for (const packetId of packetIds) {
    bytes[at] = 0x40;
    bytes[at + 1] = 2;
    bytes[at + 2] = packetId >> 8;
    bytes[at + 3] = packetId & 0xff;
    at += 4;
  }
  return bytes;
}

/** PUBREC with reason Implementation specific error: refuses a QoS 2 message, which ends its flow. */
export function encodeRefusal(packetId: number): Buffer {
  return Buffer.from([0x50, 3, packetId >> 8, packetId & 0xff, 0x83]);
}
