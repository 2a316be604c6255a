import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Where the broker is and who we are to it. */
export interface MqttEndpoint {
  /** `mqtt://host:1883` or `mqtts://host:8883`. */
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM files. They are read at every connect, so that a renewed certificate needs no restart. */
  readonly tlsCaFile: string | undefined;
  readonly tlsCertificateFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
}

/** Called with each piece of the stream; the memory is used again for the next. False pauses reading. */
export type OnRead = (bytes: number, buffer: Buffer) => boolean;

/** One read from the kernel. Larger ones would only delay pings and flushes. */
const READ_BUFFER_BYTES = 65_536;

/**
 * Opens a connection to the broker. Its first event is `connect` or `secureConnect` (see `readyEvent`), or `error`.
 *
 * @throws Error when a PEM file cannot be read
 */
export function openSocket(endpoint: MqttEndpoint, onRead: OnRead): Socket {
  const { hostname, port, protocol } = new URL(endpoint.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const onread = { buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES), callback: onRead };
  const options = { host, onread, noDelay: true, keepAlive: true, autoSelectFamily: true };
  if (protocol === 'mqtt:') return connectTcp({ ...options, port: Number(port || 1883) } as never);
  return connectTls({
    ...options,
    port: Number(port || 8883),
    // A name of the certificate; addresses have none to ask for.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...pem('ca', endpoint.tlsCaFile),
    ...pem('cert', endpoint.tlsCertificateFile),
    ...pem('key', endpoint.tlsKeyFile),
  } as never);
}

/** The event after which the stream may be written to. */
export function readyEvent(endpoint: MqttEndpoint): 'connect' | 'secureConnect' {
  return new URL(endpoint.url).protocol === 'mqtt:' ? 'connect' : 'secureConnect';
}

/** User and password: the variables', else those in the URL. */
export function credentials(endpoint: MqttEndpoint): {
  readonly username?: string;
  readonly password?: Buffer;
} {
  const url = new URL(endpoint.url);
  const username = endpoint.username ?? decodeURIComponent(url.username);
  const password = endpoint.password ?? decodeURIComponent(url.password);
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password: Buffer.from(password) }),
  };
}

function pem(name: 'ca' | 'cert' | 'key', file: string | undefined): Record<string, Buffer> {
  return file === undefined ? {} : { [name]: readFileSync(file) };
}
