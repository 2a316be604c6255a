import { jsonFigure } from '@odometer/domain/json-figure';
import Table from 'cli-table3';
import type { Command, CommandOptions } from 'commander';

/** Every command has `--json`. */
export interface OutputOptions {
  readonly json?: boolean;
}

/** Declares a command with what all of them have. */
export function addCommand(
  parent: Command,
  usage: string,
  description: string,
  options: CommandOptions = {},
): Command {
  return parent
    .command(usage, options)
    .description(description)
    .option('--json', 'print JSON, for programs');
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** JSON for programs: a bigint that a double cannot hold becomes a string, any other a number. */
export function printJson(value: unknown): void {
  print(
    JSON.stringify(
      value,
      (_key, item: unknown) => (typeof item === 'bigint' ? jsonFigure(item.toString()) : item),
      2,
    ),
  );
}

/** A figure for people: groups of three digits. */
export function readableFigure(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A time for people, UTC, to the second. */
export function readableTime(at: Date | null): string {
  return at === null ? '' : `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/**
 * A table without lines or colours, so that it reads the same in a terminal, a log and a ticket.
 *
 * @param figures indexes of the columns that hold figures; they are aligned to the right.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  figures: readonly number[] = [],
): string {
  const result = new Table({
    head: [...head],
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, index) => (figures.includes(index) ? 'right' : 'left')),
  });
  result.push(...rows.map((row) => [...row]));
  return result
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
