import { lockCatalogue } from '@odometer/database/advisory-locks';
import { recordAudit } from '@odometer/database/audit-log';
import {
  findMeasuredTarget,
  isTargetRetired,
  retireTarget,
} from '@odometer/database/measuring/measured-targets';
import { raiseCatalogueVersion } from '@odometer/database/meters/catalogue';
import { findBucket } from '@odometer/database/objects/buckets';
import { findRetiredBucket, retireBucket } from '@odometer/database/objects/retired-buckets';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import {
  type HeldByTarget,
  heldByBucket,
  heldByRegistry,
} from '@odometer/database/reading/held-by-target';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { UnsatisfiedError } from '../failure.ts';
import { measureNow } from '../measuring/measure-now.ts';
import { printFailures } from '../measuring/print-buckets.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';

interface RetireOptions extends OutputOptions {
  readonly confirm?: boolean;
}

/** What can be retired: how it is found, and how its declaration ends. */
interface Retirable {
  readonly kind: 'bucket' | 'registry';
  readonly held: (pool: Pool, name: string) => Promise<HeldByTarget>;
  /** declared; retiring: it is declared no more, and what was counted of it not taken out yet; undefined: neither. */
  readonly state: (pool: Pool, name: string) => Promise<'declared' | 'retiring' | undefined>;
  /** @returns whether it was declared. */
  readonly end: (transaction: Transaction, name: string) => Promise<boolean>;
  readonly unknown: (name: string) => OdometerError;
}

const BUCKET: Retirable = {
  kind: 'bucket',
  held: heldByBucket,
  state: async (pool, name) => {
    if ((await findBucket(pool, name)) !== undefined) return 'declared';
    return (await findRetiredBucket(pool, name))?.isEmptied === false ? 'retiring' : undefined;
  },
  end: async (transaction, name) => {
    // What is being counted is counted; nothing is from then on.
    await lockCatalogue(transaction);
    if (!(await retireBucket(transaction, name))) return false;
    await raiseCatalogueVersion(transaction);
    return true;
  },
  unknown: (bucket) => new OdometerError('bucket_not_found', { bucket }),
};

const REGISTRY: Retirable = {
  kind: 'registry',
  held: heldByRegistry,
  state: async (pool, name) => {
    if ((await findMeasuredTarget(pool, 'registry', name)) !== undefined) return 'declared';
    return (await isTargetRetired(pool, 'registry', name)) ? 'retiring' : undefined;
  },
  end: (transaction, name) => retireTarget(transaction, 'registry', name),
  unknown: (target) => new OdometerError('target_not_declared', { target }),
};

export function addRetire(program: Command): void {
  const retire = program
    .command('retire')
    .description('declare a bucket or a registry no more: what is counted of it ends now');
  for (const retirable of [BUCKET, REGISTRY]) {
    const { kind } = retirable;
    addCommand(
      retire,
      kind,
      `show what is counted of a ${kind}, and with --confirm end that; touches nothing of the ${kind} itself`,
    )
      .argument('<name>', 'its declared name')
      .option(
        '--confirm',
        'end it: it is measured no more, and what is stored there is 0 from now on',
      )
      .addHelpText(
        'after',
        '\nTake it out of your declarations first: whoever applies them declares it anew.',
      )
      .action((name: string, options: RetireOptions) => retireOne(retirable, name, options));
  }
}

async function retireOne(
  retirable: Retirable,
  name: string,
  { confirm = false, json }: RetireOptions,
): Promise<void> {
  if (!confirm) {
    const { state, held } = await withPostgres((pool) => look(retirable, pool, name));
    show(retirable, name, state, held, json);
    return;
  }
  const measured = await withQueues((open) =>
    withPostgres(async (pool) => {
      const { held } = await look(retirable, pool, name);
      await inTransaction(pool, async (transaction) => {
        if (!(await retirable.end(transaction, name))) return;
        await recordAudit(transaction, {
          actor: actor(),
          action: `${retirable.kind}.retire`,
          subject: name,
          detail: { ...held },
        });
      });
      const { kind } = retirable;
      return measureNow(pool, open, [{ kind, target: name, purpose: 'retire', options: {} }]);
    }),
  );
  if (json) printJson(measured);
  else {
    printFailures(measured);
    if (measured.every(({ state }) => state === 'complete')) {
      print(`${name} is declared no more, and what is stored there is 0 from now on.`);
    }
  }
  if (measured.some(({ state }) => state !== 'complete')) {
    throw new UnsatisfiedError('what was counted is not taken out yet; a worker goes on with it');
  }
}

async function look(retirable: Retirable, pool: Pool, name: string) {
  const state = await retirable.state(pool, name);
  if (state === undefined) throw retirable.unknown(name);
  return { state, held: await retirable.held(pool, name) };
}

function show(
  { kind }: Retirable,
  name: string,
  state: 'declared' | 'retiring',
  { projects, objects, bytes }: HeldByTarget,
  json: boolean | undefined,
): void {
  if (json) {
    printJson({
      kind,
      name,
      state,
      projects,
      objects: jsonFigure(objects),
      bytes: jsonFigure(bytes),
    });
    return;
  }
  print(
    table(
      [kind, 'projects', kind === 'bucket' ? 'objects' : 'images', 'bytes'],
      [[name, readableFigure(String(projects)), readableFigure(objects), readableFigure(bytes)]],
      [1, 2, 3],
    ),
  );
  print(
    state === 'retiring'
      ? '\nIt is declared no more; this is still to be taken out, which --confirm waits for.'
      : `\nNothing was changed. With --confirm all of this is counted until now, and no longer; the ${kind} itself stays as it is.`,
  );
}
