import { readBooks } from '@odometer/database/books';
import type { IntakeKind } from '@odometer/domain/books';
import type { QueueName } from '@odometer/queues/catalogue';
import { findJobs } from '@odometer/queues/find-jobs';
import type { Command } from 'commander';
import { booksText } from '../books-text.ts';
import { UnsatisfiedError } from '../failure.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { startProgress } from '../progress.ts';
import { withQueues } from '../redis.ts';

/** Which queue carries the batches of a kind of intake. */
const QUEUES: Readonly<Record<IntakeKind, QueueName>> = {
  events: 'events',
  mqtt: 'counts',
  objects: 'objects',
};

export function addBooks(program: Command): void {
  addCommand(
    program,
    'books',
    'show what was received against what became of it; fails when the books do not close',
  ).action(showBooks);
}

async function showBooks({ json }: OutputOptions): Promise<void> {
  const progress = startProgress();
  progress.tell('adding up the applied batches');
  const books = await withQueues((open) =>
    withPostgres((pool) =>
      readBooks(pool, (kind, jobIds) => {
        progress.tell(`looking for ${jobIds.length} batches of ${kind} in Redis`);
        return findJobs(open(QUEUES[kind]), jobIds);
      }),
    ),
  ).finally(() => progress.done());
  if (json) printJson({ ...books, readAtMs: undefined, readAt: new Date(books.readAtMs) });
  else print(booksText(books));
  if (!books.closed) throw new UnsatisfiedError('the books do not close');
}
