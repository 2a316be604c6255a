import { expect, test } from '@jest/globals';
import { stressComponent } from '@odometer/service-kit/component-stress';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { pino } from 'pino';
import { IntakeBooks } from './intake-books.ts';
import { ProducerEpoch } from './producer-epoch.ts';

const { pool } = useTestDatabase();

const log = pino({ enabled: false });

async function rowOf(epoch: string) {
  const { rows } = await pool.query(
    `select sealed_seq::int, acknowledged_seq::int, received::int, accepted::int, rejected::int
     from source_epochs where epoch = $1`,
    [epoch],
  );
  return rows[0];
}

test('what was only rejected reaches the books without a batch', async () => {
  const books = new IntakeBooks(['data']);
  const epoch = new ProducerEpoch({
    pool,
    kind: 'events',
    source: 'rejecting',
    instance: 'pod',
    books,
    log,
  });
  await epoch.start();
  const id = epoch.epoch;
  books.reject('data', 3);
  await epoch.acknowledge();
  expect(await rowOf(id)).toEqual({
    sealed_seq: null,
    acknowledged_seq: 0,
    received: 3,
    accepted: 0,
    rejected: 3,
  });
  await epoch.stop();
});

test('a life in which all became durable is sealed at its last batch', async () => {
  const books = new IntakeBooks(['data']);
  const epoch = new ProducerEpoch({
    pool,
    kind: 'events',
    source: 'clean',
    instance: 'pod',
    books,
    log,
  });
  await epoch.start();
  const id = epoch.epoch;
  const { seq, books: totals } = books.freeze(10);
  books.confirm(seq, totals.accepted);
  await epoch.stop();
  expect(await rowOf(id)).toMatchObject({ sealed_seq: 1, acknowledged_seq: 1, accepted: 10 });
  expect(epoch.isOpen).toBe(false);
});

test('a life that leaves a batch unconfirmed is not sealed: the batch may be durable all the same', async () => {
  const books = new IntakeBooks(['data']);
  const epoch = new ProducerEpoch({
    pool,
    kind: 'events',
    source: 'unclean',
    instance: 'pod',
    books,
    log,
  });
  await epoch.start();
  const id = epoch.epoch;
  const { seq, books: totals } = books.freeze(10);
  books.confirm(seq, totals.accepted);
  books.freeze(10);
  await epoch.stop();
  expect(await rowOf(id)).toMatchObject({ sealed_seq: null, acknowledged_seq: 1, accepted: 10 });
});

test('starts and stops in every order', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  await stressComponent(
    () =>
      new ProducerEpoch({
        pool,
        kind: 'events',
        source: 'stressed',
        instance: 'pod',
        books: new IntakeBooks(['data']),
        log,
      }),
    { seed, isStopped: (epoch) => !epoch.isOpen },
  );
});
