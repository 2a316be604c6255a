import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { portOwner } from './port-owner.ts';
import { StackError } from './stack-error.ts';

const LOOPBACK = '127.0.0.1';

/**
 * Test servers get ports below what systems hand out to outgoing connections (32768 on Linux, 49152
 * elsewhere). Inside that range a client's socket can take the port between our check and the
 * server's bind, and a client that reconnects to a server that was killed can connect to itself.
 */
const LOWEST_FREE_PORT = 12_000;
const HIGHEST_FREE_PORT = 32_000;

function lowestEphemeralPort(): number {
  try {
    const [low] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/);
    return Number(low);
  } catch {
    return 49_152;
  }
}

/** Whether nothing listens on this loopback port and it can be bound now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}

/** Longer than a test's server lives, also while it is down to be started again on its port. */
const CLAIM_MS = 900_000;

/**
 * Keeps a port from being chosen by another process of this user, or once more by us, before its server listens and while it is
 * down: of the thousand ports of a test run one was taken so. @returns false when it is somebody's.
 */
function claim(port: number): boolean {
  const directory = join(tmpdir(), `odometer-ports-${userInfo().uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, String(port));
  const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  if (since !== undefined && Date.now() - since < CLAIM_MS) return false;
  rmSync(file, { force: true });
  try {
    writeFileSync(file, '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

/** A loopback port that nothing uses and nobody is about to use. */
export async function freePort(): Promise<number> {
  const highest = Math.max(
    LOWEST_FREE_PORT + 1_000,
    Math.min(HIGHEST_FREE_PORT, lowestEphemeralPort() - 1),
  );
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST_FREE_PORT + Math.floor(Math.random() * (highest - LOWEST_FREE_PORT));
    if (claim(port) && (await isPortFree(port))) return port;
  }
  throw new StackError(`No free port found between ${LOWEST_FREE_PORT} and ${highest}`);
}

/**
 * Fails before a server is started where another one listens, and says how to choose another port.
 * @param variable the environment variable that changes this port; undefined where ports are chosen by us.
 * @throws StackError naming the port, its owner when it can be found, and the variable.
 */
export async function assertPortFree(name: string, port: number, variable?: string): Promise<void> {
  if (await isPortFree(port)) return;
  const owner = portOwner(port);
  const by = owner === undefined ? '' : ` by ${owner}`;
  const advice = variable === undefined ? '' : `: stop it, or set ${variable} to another port`;
  throw new StackError(`Port ${port}, wanted for ${name}, is in use${by}${advice}`);
}
