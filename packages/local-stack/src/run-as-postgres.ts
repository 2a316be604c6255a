import { spawnSync } from 'node:child_process';
import { StackError } from './stack-error.ts';

/** PostgreSQL refuses to run as root; every package of it brings this user. */
const POSTGRES_USER = 'postgres';

const BECOME = [
  'setpriv',
  `--reuid=${POSTGRES_USER}`,
  `--regid=${POSTGRES_USER}`,
  '--clear-groups',
];

/**
 * A clone may lie under a directory that only root may enter (/root has mode 700). This one
 * capability lets the server pass; its own check, that it is not root, still holds.
 */
const PASS_CLOSED_DIRECTORIES = [
  '--inh-caps=-all,+dac_override',
  '--ambient-caps=-all,+dac_override',
  '--bounding-set=-all,+dac_override',
];

/** The user and the words that go before a command so that it runs as that user. */
export interface PostgresIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly prefix: readonly string[];
}

function numericId(flag: '-u' | '-g'): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, POSTGRES_USER], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : undefined;
}

function works(prefix: readonly string[]): boolean {
  const [program, ...args] = [...prefix, 'true'];
  return program !== undefined && spawnSync(program, args).status === 0;
}

/**
 * How to run PostgreSQL from this process: undefined when it may run as we are, and as the system's
 * own `postgres` user when we are root.
 * @throws StackError when we are root and cannot become that user.
 */
export function postgresIdentity(): PostgresIdentity | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const uid = numericId('-u');
  const gid = numericId('-g');
  const prefix = [[...BECOME, ...PASS_CLOSED_DIRECTORIES], BECOME].find(works);
  if (uid === undefined || gid === undefined || prefix === undefined) {
    throw new StackError(
      'PostgreSQL does not run as root, and this system offers no way to run it as its own user (the user "postgres" and the program setpriv): run this as an ordinary user',
    );
  }
  return { uid, gid, prefix };
}
