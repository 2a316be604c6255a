import { connect, type MqttClient } from 'mqtt';
import { anyOf, type Device } from './fleet.ts';

/** About 16 messages a second from all devices together: visible in every table, invisible in `top`. */
const INTERVAL_MS = 60;

/** Most of what devices send is telemetry; now and then the cloud tells one to do something. */
const KINDS = [
  'telemetry',
  'telemetry',
  'telemetry',
  'telemetry',
  'status',
  'events',
  'commands/move',
];

function payload(kind: string): string {
  const at = new Date().toISOString();
  return kind.startsWith('commands')
    ? JSON.stringify({ at, to: [Math.random() * 50, Math.random() * 50] })
    : JSON.stringify({ at, battery: Math.round(Math.random() * 100), speed: Math.random() * 2 });
}

/**
 * Publishes as the fleet would, QoS 1, each device on a connection of its own. A device that is
 * offline says nothing; MQTT.js repeats what was not acknowledged when it is back.
 * @returns a function that ends all connections.
 */
export function publishMessages(
  url: string,
  devices: readonly Device[],
  onAcknowledged: () => void,
): () => Promise<void> {
  const connections = devices.map(({ organization, project, device }) => {
    const clientId = `demo-${organization}-${device}`;
    const client: MqttClient = connect(url, { clientId, reconnectPeriod: 2_000 });
    // The broker is started again by the stack: until then there is nothing to say.
    client.on('error', () => {});
    return { client, prefix: `roboticks/${organization}/${project}/${device}` };
  });
  const timer = setInterval(() => {
    const { client, prefix } = anyOf(connections);
    if (!client.connected) return;
    const kind = anyOf(KINDS);
    client.publish(`${prefix}/${kind}`, payload(kind), { qos: 1 }, (error) => {
      if (error === undefined || error === null) onAcknowledged();
    });
  }, INTERVAL_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(connections.map(({ client }) => client.endAsync(true)));
  };
}
