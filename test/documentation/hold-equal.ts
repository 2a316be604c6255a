import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';

/** Holds a generated page of docs/ equal to what the code says now; `UPDATE_DOCS=1` writes it anew. */
export function holdEqual(page: string, generated: string): void {
  const file = new URL(`../../docs/${page}`, import.meta.url);
  if (process.env.UPDATE_DOCS === '1') writeFileSync(file, generated);
  expect(readFileSync(file, 'utf8')).toBe(generated);
}

/** A row of a Markdown table. */
export function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
}
