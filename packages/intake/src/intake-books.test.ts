import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IntakeBooks } from './intake-books.ts';

test('in every batch and acknowledgement received = accepted + rejected, and nothing ever falls', () => {
  const step = fc.oneof(
    fc.record({ freeze: fc.integer({ min: 0, max: 1_000 }) }),
    fc.record({ reject: fc.integer({ min: 0, max: 1_000 }) }),
    fc.constant({ confirm: true }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const books = new IntakeBooks(['data']);
      const frozen: { seq: number; accepted: number }[] = [];
      let last = { received: 0, rejected: 0, accepted: 0 };
      for (const each of steps) {
        if ('reject' in each) books.reject('data', each.reject);
        else if ('freeze' in each) {
          const { seq, books: totals } = books.freeze(each.freeze);
          expect(totals.received).toBe(totals.accepted + totals.rejected);
          frozen.push({ seq, accepted: totals.accepted });
          expect(seq).toBe(frozen.length);
        } else {
          const next = frozen[books.acknowledgement().seq];
          if (next !== undefined) books.confirm(next.seq, next.accepted);
        }
        const { seq, books: said } = books.acknowledgement();
        expect(said.received).toBe(said.accepted + said.rejected);
        expect(said.accepted).toBe(frozen[seq - 1]?.accepted ?? 0);
        for (const field of ['received', 'rejected', 'accepted'] as const) {
          expect(said[field]).toBeGreaterThanOrEqual(last[field]);
        }
        last = said;
      }
    }),
  );
});
