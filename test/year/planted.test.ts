import { expect, test } from '@jest/globals';
import { seedsOfThisRun } from '@odometer/testing/seeded-random';
import { spawnTypescript } from '@odometer/testing/spawn-typescript';
import { createTestDatabase } from '@odometer/testing/test-database';
import { type Patch, plantBug } from '../harness/planted-bug.ts';

const DEADLINE_MS = 180_000;
/** Transactions meet at random, and a bug may be lucky. It must not be lucky so often. */
const ROUNDS = 3;
const PROGRAM = new URL('./race-main.ts', import.meta.url);
const HOOK = new URL('./planted-source-hook.mjs', import.meta.url);
const USAGE_WRITER = 'services/stats-worker/src/periods/usage-writer.ts';

planted({
  name: 'the state of a month is read in the statement that locks it',
  patches: [
    {
      file: 'packages/database/src/periods/closed-months.ts',
      find: 'const nowMs = await lockMonthsShared(transaction, months);',
      replace: `const { rows: [clock] } = await transaction.query('select clock_timestamp() as now');
      const nowMs = clock.now.getTime();
      const numbers = [0, ...[...months, monthStart(nowMs)].map((ms) => {
        const at = new Date(ms);
        return at.getUTCFullYear() * 100 + at.getUTCMonth() + 1;
      }).sort((a, b) => a - b)];`,
    },
    {
      file: 'packages/database/src/periods/closed-months.ts',
      find: 'text: `select round,',
      replace: `text: \`with locks as materialized (
          select pg_advisory_xact_lock_shared(1, month) from unnest($2::int[]) as m (month)
        )
        select (select count(*) from locks) as locks, round,`,
    },
    {
      file: 'packages/database/src/periods/closed-months.ts',
      find: 'values: [[...months, monthStart(nowMs)].map(toTimestamp)],',
      replace: 'values: [[...months, monthStart(nowMs)].map(toTimestamp), numbers],',
    },
  ],
  catches: /have changed after its flip|does not add up|final and never changes/,
});

planted({
  name: 'late usage is written twice',
  patches: [
    {
      file: USAGE_WRITER,
      find: "const adjusted = late === 'adjust' ? closed : [];",
      replace: 'const adjusted = closed; await this.#adjust(adjusted);',
    },
  ],
  catches: /^hour /,
});

planted({
  name: 'a round begins without waiting for the transactions of the one before',
  patches: [
    {
      file: 'packages/database/src/periods/changed-days.ts',
      find: '    await lockRounds(transaction);\n',
      replace: '',
    },
    {
      file: 'packages/database/src/periods/changed-days.ts',
      find: "import { lockRounds } from '../advisory-locks.ts';\n",
      replace: '',
    },
  ],
  refreshing: true,
  catches: /^days that miss a change|does not add up/,
});

/** Registers the proof that the race catches a bug that is planted in the process that runs it. */
function planted(options: {
  readonly name: string;
  readonly patches: readonly Patch[];
  readonly refreshing?: boolean;
  /** One violation at least is of this kind, so that noise does not pass for a catch. */
  readonly catches: RegExp;
}): void {
  const { name, patches, refreshing = false, catches } = options;
  test(
    `planted bug: ${name}: is caught by the race with a close`,
    async () => {
      const [seed = 0] = seedsOfThisRun(1);
      const env = plantBug(name, ['race'], patches).environment('race').PLANTED_BUG_SOURCES ?? '';
      let violations: readonly string[] = [];
      let caught: string | undefined;
      for (let round = 0; round < ROUNDS && caught === undefined; round += 1) {
        const { output, found } = await race(env, seed + round, refreshing);
        expect(output).toContain('planted bug: ');
        violations = found;
        caught = found.find((violation) => catches.test(violation));
      }
      expect(violations).toContainEqual(expect.stringMatching(catches));
      process.stdout.write(`PLANTED ${name} → caught by the race (SEED=${seed}): ${caught}\n`);
    },
    DEADLINE_MS,
  );
}

/** @returns what the process has printed, and the violations it has found. */
async function race(
  sources: string,
  seed: number,
  refreshing: boolean,
): Promise<{ readonly output: string; readonly found: readonly string[] }> {
  const { url, drop } = await createTestDatabase();
  try {
    const child = spawnTypescript(PROGRAM, [url, String(seed), refreshing ? 'refreshing' : ''], {
      hook: HOOK,
      env: { PLANTED_BUG_SOURCES: sources },
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await new Promise((resolve) => child.once('close', resolve));
    const last = output.trimEnd().split('\n').at(-1) ?? '';
    expect(last).toMatch(/^\[/);
    return { output, found: JSON.parse(last) as string[] };
  } finally {
    await drop();
  }
}
