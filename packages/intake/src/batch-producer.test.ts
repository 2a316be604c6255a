import { expect, test } from '@jest/globals';
import { BatchProducer, type FrozenBatch } from './batch-producer.ts';
import { IntakeBooks } from './intake-books.ts';

function producer(options: { epoch?: () => string } = {}) {
  const books = new IntakeBooks<string>([]);
  const sent: { batch: FrozenBatch<number>; jobId: string; settle: (error?: Error) => void }[] = [];
  const bugs: Error[] = [];
  const made = new BatchProducer<number>({
    source: 'test',
    epoch: options.epoch ?? (() => '7'),
    books,
    enqueue: (batch, jobId, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        sent.push({ batch, jobId, settle: (error) => (error ? reject(error) : resolve()) });
      }),
    onBug: (error) => bugs.push(error),
  });
  return { made, books, sent, bugs };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes while a batch is under way makes the next one, numbered without gaps', async () => {
  const { made, sent, books } = producer();
  const first = made.add([1]);
  const second = made.add([2, 3]);
  const third = made.add([4]);
  expect(sent.map(({ batch, jobId }) => [jobId, batch.items])).toEqual([['test.7.1', [1]]]);
  let settled = 0;
  const counted = [first, second, third].map(async (each) => {
    await each;
    settled += 1;
  });
  await turn();
  expect(settled).toBe(0);
  sent[0]?.settle();
  await first;
  await turn();
  expect(settled).toBe(1);
  expect(sent[1]).toMatchObject({ jobId: 'test.7.2', batch: { seq: 2, items: [2, 3, 4] } });
  expect(sent[1]?.batch.books).toEqual({ received: 4, rejected: 0, accepted: 4 });
  sent[1]?.settle();
  await Promise.all(counted);
  expect(books.acknowledgement()).toEqual({
    seq: 2,
    books: { received: 4, rejected: 0, accepted: 4 },
  });
});

test('an adder of more than a batch is told when the last of its items is durable', async () => {
  const { made, sent } = producer();
  let durable = false;
  const added = made.add(Array.from({ length: 2_001 }, (_, i) => i)).then(() => {
    durable = true;
  });
  for (const length of [1_000, 1_000, 1]) {
    expect(durable).toBe(false);
    const last = sent.at(-1);
    expect(last?.batch.items).toHaveLength(length);
    last?.settle();
    await turn();
  }
  await added;
  expect(sent.flatMap(({ batch }) => batch.items)).toEqual(
    Array.from({ length: 2_001 }, (_, i) => i),
  );
});

test('without an epoch nothing is numbered, and the adder keeps what it has', async () => {
  const { made, sent, books, bugs } = producer({
    epoch: () => {
      throw new Error('no epoch');
    },
  });
  await expect(made.add([1])).rejects.toThrow('no epoch');
  expect(sent).toEqual([]);
  expect(books.frozenSeq).toBe(0);
  expect(bugs).toHaveLength(1);
});

test('a stop makes durable what was added, and takes no more', async () => {
  const { made, sent } = producer();
  const first = made.add([1]);
  const second = made.add([2]);
  const stopped = made.stop();
  await expect(made.add([3])).rejects.toThrow('stopping');
  sent[0]?.settle();
  await first;
  await turn();
  sent[1]?.settle();
  await Promise.all([second, stopped]);
});
