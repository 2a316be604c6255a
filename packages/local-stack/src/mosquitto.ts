import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { findProgram } from './find-program.ts';
import { awaitReady, type ServerProcess, spawnServer } from './server-process.ts';
import { assertPortFree } from './tcp-port.ts';

export interface MosquittoOptions {
  /** Holds the configuration and the saved sessions; made when absent. */
  readonly directory: string;
  readonly port: number;
  readonly logFile: string;
  readonly portVariable?: string;
  /** Told of the process as soon as it exists, long before it is ready. */
  readonly onSpawn?: (server: ServerProcess) => void;
  /** Deliver QoS 0 publishes to QoS 1 subscriptions as QoS 1, so that they survive a counter's restart. */
  readonly upgradeOutgoingQos?: boolean;
  /** Further lines, as in mosquitto.conf, e.g. a TLS listener. */
  readonly configuration?: readonly string[];
}

/** A running private MQTT broker. */
export interface MosquittoServer extends ServerProcess {
  readonly url: string;
}

const READY_DEADLINE_MS = 30_000;

function configurationOf(options: MosquittoOptions): string {
  const lines = [
    'per_listener_settings false',
    // The listener is loopback only; devices with certificates are what a real broker is for.
    'allow_anonymous true',
    `listener ${options.port} 127.0.0.1`,
    'persistence true',
    `persistence_location ${options.directory}/`,
    // Bounds what a broker that is killed forgets or repeats; it saves at every clean stop anyway.
    'autosave_interval 5',
    // The counter acknowledges per flush: fewer in flight would bound its rate to this per flush.
    'max_inflight_messages 20000',
    // The default, 1000, drops silently when the counter pauses. 0 (no limit) is faulty in 2.0.11,
    // so the count is out of the way and bytes are the limit.
    'max_queued_messages 10000000',
    'max_queued_bytes 1073741824',
    `upgrade_outgoing_qos ${options.upgradeOutgoingQos === true}`,
    'set_tcp_nodelay true',
    'log_dest stderr',
    'log_timestamp_format %Y-%m-%dT%H:%M:%SZ',
    'log_type error',
    'log_type warning',
    'log_type notice',
    // A line per connection would be a line per published message of `mosquitto_pub`.
    'connection_messages false',
    // As root it would become its own user and could not write here.
    ...(process.geteuid?.() === 0 ? ['user root'] : []),
    ...(options.configuration ?? []),
  ];
  return `${lines.join('\n')}\n`;
}

async function connectOnce(url: string): Promise<void> {
  const client = await connectAsync(url, { reconnectPeriod: 0, connectTimeout: 2_000 }, false);
  await client.endAsync(true);
}

/**
 * Starts a private Mosquitto on loopback with persistent sessions, and returns when it accepts a client.
 * @throws StackError in one sentence: port in use, program missing, or the end of its log.
 */
export async function startMosquitto(options: MosquittoOptions): Promise<MosquittoServer> {
  const { directory, port, logFile } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const configuration = join(directory, 'mosquitto.conf');
  writeFileSync(configuration, configurationOf(options), { mode: 0o600 });
  await assertPortFree('Mosquitto', port, options.portVariable);
  const server = await spawnServer({
    name: 'mosquitto',
    command: [findProgram('mosquitto'), '-c', configuration],
    logFile,
  });
  options.onSpawn?.(server);
  const url = `mqtt://127.0.0.1:${port}`;
  await awaitReady(server, () => connectOnce(url), logFile, READY_DEADLINE_MS);
  return { ...server, url };
}
