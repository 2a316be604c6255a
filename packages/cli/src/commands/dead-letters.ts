import {
  findDeadLetter,
  listDeadLetters,
  type StoredDeadLetter,
} from '@odometer/database/dead-letters';
import { retryStoredDeadLetter } from '@odometer/database/retry-dead-letter';
import { OdometerError } from '@odometer/domain/errors';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { retryDeadLetter } from '@odometer/queues/dead-letter';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { rowId, wholeNumber } from '../arguments.ts';
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

/** Of a reason in a table; `show` has all of it. */
const REASON_LENGTH = 60;

export function addDeadLetters(program: Command): void {
  const letters = program.command('dead-letters').description('jobs that failed for good');
  addCommand(letters, 'list', 'show them, newest first')
    .option('--limit <count>', 'how many at most', wholeNumber, 50)
    .action(list);
  addCommand(letters, 'show', 'show one with its payload')
    .argument('<id>', 'its id', rowId)
    .action(show);
  addCommand(letters, 'retry', 'put one back into its queue')
    .argument('<id>', 'its id', rowId)
    .action(retry);
}

async function list({ json, limit }: OutputOptions & { readonly limit: number }): Promise<void> {
  const letters = await withPostgres((pool) => listDeadLetters(pool, limit));
  if (json) return printJson(letters.map(({ payload: _payload, ...letter }) => letter));
  if (letters.length === 0) return print('There are no dead letters.');
  print(
    table(
      ['id', 'queue', 'job', 'items', 'failed', 'retried', 'reason'],
      letters.map((letter) => [
        letter.id,
        letter.queue,
        letter.jobId,
        String(letter.items),
        readableTime(letter.failedAt),
        readableTime(letter.retriedAt),
        firstLine(letter.reason),
      ]),
      [3],
    ),
  );
}

async function show(id: string, { json }: OutputOptions): Promise<void> {
  const letter = await withPostgres((pool) => findDeadLetter(pool, id));
  if (letter === undefined) throw new OdometerError('dead_letter_not_found', { id });
  if (json) return printJson(letter);
  const { payload, reason, ...rest } = letter;
  print(
    table(
      ['', ''],
      Object.entries(rest).map(([name, value]) => [
        name,
        value instanceof Date ? readableTime(value) : String(value ?? ''),
      ]),
    ).trimStart(),
  );
  print(`\nreason\n${reason}\n\npayload\n${payload}`);
}

async function retry(id: string, { json }: OutputOptions): Promise<void> {
  const outcome = await withPostgres((pool) => retryStoredDeadLetter(pool, id, actor(), enqueue));
  if (json) return printJson({ id, outcome });
  print(
    outcome === 'retried'
      ? `Dead letter ${id} is back in its queue.`
      : `The batch of dead letter ${id} has been applied since; there is nothing to do.`,
  );
}

async function enqueue(letter: StoredDeadLetter): Promise<void> {
  const name = QUEUE_NAMES.find((known) => known === letter.queue);
  if (name === undefined) throw new Error(`dead letter of an unknown queue: ${letter.queue}`);
  await withQueues((open) => retryDeadLetter(open(name), letter));
}

function firstLine(reason: string): string {
  const [line = ''] = reason.split('\n');
  return line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH - 1)}…` : line;
}
