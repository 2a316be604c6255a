import { addMeter, removeMeter } from '@odometer/database/meters/administer-meters';
import { dueCountBacks } from '@odometer/database/meters/count-back';
import { findMeter, listMeters, type StoredMeter } from '@odometer/database/meters/stored-meter';
import { OdometerError } from '@odometer/domain/errors';
import { type MeterDeclaration, meterDeclarationSchema } from '@odometer/domain/meter-declaration';
import { AGGREGATIONS } from '@odometer/domain/meters';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { actor } from '../actor.ts';
import { askToCountBack } from '../count-back.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';

export function addMeters(program: Command): void {
  const meters = program.command('meters').description('what is counted');
  addCommand(meters, 'list', 'show all meters').action(list);
  addCommand(meters, 'show', 'show one meter').argument('<meter>', 'its slug or id').action(show);
  addCommand(meters, 'create', 'create a meter, and count the events that came before it')
    .argument('<slug>', 'small letters and digits, joined by _')
    .requiredOption('--event-type <type>', 'the type of the events that feed it')
    .addOption(
      new Option('--aggregation <aggregation>', 'how events become usage')
        .choices(AGGREGATIONS)
        .makeOptionMandatory(),
    )
    .option('--value-property <path>', 'JSON path of the value in the data, like $.bytes')
    .option('--group-by <name=path...>', 'a dimension, like model=$.model', dimension)
    .option('--unit <unit>', 'what one is')
    .option('--name <name>', 'a name for people')
    .option('--description <text>', 'for people')
    .action(create);
  addCommand(meters, 'delete', 'delete a meter that nothing was counted by')
    .argument('<meter>', 'its slug or id')
    .action(remove);
}

async function list({ json }: OutputOptions): Promise<void> {
  const meters = await withPostgres(listMeters);
  if (json) return printJson(meters);
  print(
    table(
      ['id', 'meter', 'unit', 'events', 'aggregation', 'value', 'origin'],
      meters.map((meter) => [
        String(meter.id),
        meter.slug,
        meter.unit,
        meter.eventType ?? `(${meter.owner})`,
        meter.aggregation,
        meter.valuePath ?? '',
        origin(meter),
      ]),
    ),
  );
}

async function show(slugOrId: string, { json }: OutputOptions): Promise<void> {
  const meter = await withPostgres((pool) => findMeter(pool, slugOrId));
  if (meter === undefined) throw new OdometerError('meter_not_found', { meter: slugOrId });
  if (json) return printJson(meter);
  print(
    table(
      ['', ''],
      Object.entries(meter)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name, readable(value)]),
    ).trimStart(),
  );
}

interface CreateOptions extends OutputOptions {
  readonly groupBy?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

async function create(
  slug: string,
  { json, ...fields }: CreateOptions,
  command: Command,
): Promise<void> {
  const declaration = meterDeclarationSchema.safeParse({ slug, ...fields });
  if (!declaration.success) {
    const problems = schemaProblems(meterDeclarationSchema, declaration.error);
    return command.error(`error: ${problems.join('\nerror: ')}`);
  }
  const meter = await createAndCountBack(declaration.data);
  if (json) return printJson(meter);
  print(`Meter ${meter.slug} is created with id ${meter.id}.`);
  if (meter.countingBack) print('Events that came before it are being counted.');
}

function createAndCountBack(declaration: MeterDeclaration): Promise<StoredMeter> {
  // First of all the connection to Redis: without it what came before would wait for the next hour.
  return withQueues((open) =>
    withPostgres(async (pool) => {
      const meter = await addMeter(pool, declaration, actor());
      await askToCountBack(open, await dueCountBacks(pool));
      return meter;
    }),
  );
}

async function remove(slugOrId: string, { json }: OutputOptions): Promise<void> {
  const slug = await withPostgres((pool) => removeMeter(pool, slugOrId, actor()));
  if (json) return printJson({ slug, deleted: true });
  print(`Meter ${slug} is deleted.`);
}

function origin({ builtIn, countingBack }: StoredMeter): string {
  if (countingBack) return 'declared, counting back';
  return builtIn ? 'built in' : 'declared';
}

function readable(value: unknown): string {
  if (value instanceof Date) return readableTime(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Gathers `name=path` of every `--group-by`. */
function dimension(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [name = '', ...path] = text.split('=');
  if (path.length === 0) throw new InvalidArgumentError('It should be NAME=PATH.');
  return { ...before, [name]: path.join('=') };
}
