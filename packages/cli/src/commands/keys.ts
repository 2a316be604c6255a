import { listApiKeys, type Scope } from '@odometer/database/api-keys';
import { type Command, Option } from 'commander';
import { endKey, makeKey } from '../api-keys.ts';
import { rowId, slug } from '../arguments.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';

const SCOPES: readonly Scope[] = ['ingest', 'read', 'admin'];

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys');
  addCommand(keys, 'create', 'create a key; its secret is shown this once')
    .requiredOption('--name <name>', 'what it is for, for people')
    .addOption(
      new Option('--scope, --scopes <scope...>', 'what it may do')
        .choices(SCOPES)
        .makeOptionMandatory(),
    )
    .option('--organization <slug>', 'bind it to one organization', slug)
    .action(createKey);
  addCommand(keys, 'list', 'show all keys, without their secrets').action(listKeys);
  addCommand(keys, 'revoke', 'revoke a key; services notice within seconds')
    .argument('<id>', 'its id', rowId)
    .action(revokeKey);
}

async function createKey({
  name,
  scopes,
  organization = null,
  json,
}: OutputOptions & {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly organization?: string | null;
}): Promise<void> {
  const { key, secret } = await withPostgres((pool) =>
    makeKey(pool, { name, scopes, organization }),
  );
  if (json) return printJson({ id: key.id, name, key: secret, organization, scopes: key.scopes });
  const whose = organization === null ? 'all organizations' : `organization ${organization}`;
  print(`Key ${key.id} (${name}) for ${whose}, scopes ${key.scopes.join(', ')}:\n`);
  print(`  ${secret}\n\nIt is stored as a hash and cannot be shown again.`);
}

async function listKeys({ json }: OutputOptions): Promise<void> {
  const keys = await withPostgres(listApiKeys);
  if (json) return printJson(keys.map(({ hash: _hash, ...key }) => key));
  if (keys.length === 0) return print('There are no keys. `odometer keys create` makes one.');
  print(
    table(
      ['id', 'name', 'organization', 'scopes', 'created', 'revoked'],
      keys.map((key) => [
        key.id,
        key.name,
        key.organization ?? '(all)',
        key.scopes.join(', '),
        readableTime(key.createdAt),
        readableTime(key.revokedAt),
      ]),
    ),
  );
}

async function revokeKey(id: string, { json }: OutputOptions): Promise<void> {
  await withPostgres((pool) => endKey(pool, id));
  if (json) printJson({ id, revoked: true });
  else print(`Key ${id} is revoked.`);
}
