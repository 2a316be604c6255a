/** As large as what devices report. */
const PAYLOAD = Buffer.from(
  '{"at":"2026-03-01T12:00:00.000Z","temperature":21.5,"humidity":48.2,"battery":0.87}',
);

/** A complete CONNECT of MQTT 3.1.1 with a clean session, no keepalive. */
export function connectFrame(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const body = Buffer.concat([
    Buffer.from([0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, id.length]),
    id,
  ]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
}

export const DISCONNECT_FRAME = Buffer.from([0xe0, 0]);

/** A PUBLISH to one topic, complete but for its packet id. */
export interface PublishFrame {
  readonly bytes: Buffer;
  /** Where the packet id belongs; undefined for QoS 0. */
  readonly packetIdAt: number | undefined;
}

export function publishFrame(topic: string, qos: 0 | 1): PublishFrame {
  const name = Buffer.from(topic);
  const idBytes = qos === 0 ? 0 : 2;
  const remaining = 2 + name.length + idBytes + PAYLOAD.length;
  // Two bytes of length hold up to 16,383.
  const head = Buffer.from([
    0x30 | (qos << 1),
    (remaining & 0x7f) | 0x80,
    remaining >> 7,
    name.length >> 8,
    name.length & 0xff,
  ]);
  return {
    bytes: Buffer.concat([head, name, Buffer.alloc(idBytes), PAYLOAD]),
    packetIdAt: qos === 0 ? undefined : head.length + name.length,
  };
}
