import { randomUUID } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { mqttCredentials } from '../mqtt-credentials.ts';
import type { MqttSettings } from '../settings.ts';
import type { Attempt } from './patience.ts';

const CONNECT_DEADLINE_MS = 5_000;
/** What an MQTT 5 broker says of a message that nobody is subscribed to. */
const NO_MATCHING_SUBSCRIBERS = 16;

/** Publishes one message as a device would, and waits for its acknowledgement. */
export async function publishMessage(
  url: string,
  settings: MqttSettings,
  topic: string,
): Promise<Attempt<undefined>> {
  try {
    const client = await connectAsync(
      url,
      {
        ...mqttCredentials(settings),
        clientId: `odometer-smoke-${randomUUID()}`,
        protocolVersion: 5,
        clean: true,
        reconnectPeriod: 0,
        connectTimeout: CONNECT_DEADLINE_MS,
      },
      false,
    );
    // Of the acknowledgement publishAsync tells only whether it was an error.
    let acknowledged: number | undefined;
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') acknowledged = packet.reasonCode;
    });
    try {
      await client.publishAsync(topic, 'smoke', { qos: 1 });
      return acknowledged === NO_MATCHING_SUBSCRIBERS
        ? { notYet: `nobody is subscribed to ${topic}` }
        : { done: undefined };
    } finally {
      await client.endAsync(true);
    }
  } catch (error) {
    return { notYet: error instanceof Error ? error.message : String(error) };
  }
}
