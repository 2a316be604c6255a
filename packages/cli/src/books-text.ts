import { type Books, FIGURES, type KindBooks, type MissingBatches } from '@odometer/domain/books';
import { readableFigure, readableTime, table } from './output.ts';

/** The books for people: the figures of each kind of intake, what does not hold, and every batch that is missing. */
export function booksText({ kinds, closed, readAtMs }: Books): string {
  const figures = table(
    ['', ...kinds.map(({ kind }) => kind)],
    FIGURES.map((figure) => [
      figure.replace('_', ' '),
      ...kinds.map((kind) => readableFigure(kind.figures[figure].toString())),
    ]),
    kinds.map((_, index) => index + 1),
  );
  const lines = kinds.flatMap(findings);
  const verdict = closed
    ? `The books are closed as of ${readableTime(new Date(readAtMs))}.`
    : 'The books do not close. docs/books.md explains how to read this.';
  return [figures, ...(lines.length === 0 ? [] : [lines.join('\n')]), verdict].join('\n\n');
}

function findings({ kind, broken, pending, lost }: KindBooks): readonly string[] {
  return [
    ...broken.map((sentence) => `${kind}: ${sentence}`),
    ...lost.map((missing) => `${kind}: lost: ${describe(missing)}`),
    ...pending.map(
      (missing) =>
        `${kind}: not found yet: ${describe(missing)}; a minute decides whether it is lost`,
    ),
  ];
}

function describe({ source, epoch, seqs, batches, items, sinceMs }: MissingBatches): string {
  const ranges = seqs.map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
  const size = items === undefined ? 'an unknown number of items' : `${items} items`;
  const what = batches === 1 ? `batch ${ranges}` : `batches ${ranges}`;
  return `${what} of ${source}, epoch ${epoch}: ${size}, missing since ${readableTime(new Date(sinceMs))}`;
}
