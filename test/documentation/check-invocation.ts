import type { createProgram } from '@odometer/cli/program';

type Command = ReturnType<typeof createProgram>;
type Option = Command['options'][number];

/** What is wrong with a documented call of the odometer command; nothing when the program takes it. */
export function checkInvocation(
  program: Command,
  words: readonly string[],
  { isWhole }: { readonly isWhole: boolean },
): readonly string[] {
  let command = program;
  let rest = [...words];
  while (rest[0] !== undefined && !rest[0].startsWith('-')) {
    const found = command.commands.find((each) => each.name() === rest[0]);
    if (found === undefined) break;
    command = found;
    rest = rest.slice(1);
  }
  if (command === program) {
    const [first] = rest;
    return first === undefined || /^(--help|--version|-h|-V|help)$/.test(first)
      ? []
      : [`there is no command ${first}`];
  }
  return checkArguments(withDefault(command, rest), rest, isWhole);
}

/** A group of commands may have one that is meant when none is named: `odometer limits acme`. */
function withDefault(command: Command, rest: readonly string[]): Command {
  const name: unknown = Reflect.get(command, '_defaultCommandName');
  const fallback = command.commands.find((each) => each.name() === name);
  return fallback !== undefined && rest[0] !== '--help' ? fallback : command;
}

function checkArguments(
  command: Command,
  words: readonly string[],
  isWhole: boolean,
): readonly string[] {
  const problems: string[] = [];
  const given = new Set<Option>();
  let operands = 0;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (!word.startsWith('-') || word === '-') {
      operands += 1;
      continue;
    }
    const [name = '', inline] = word.split(/=(.*)/s);
    if (name === '--help' || name === '-h') return problems;
    const option = command.options.find(({ long, short }) => long === name || short === name);
    if (option === undefined) {
      problems.push(`${command.name()} has no option ${name}`);
      continue;
    }
    given.add(option);
    if (!option.required) continue;
    let value = inline;
    if (value === undefined) {
      i += 1;
      value = words[i];
    }
    if (value === undefined) {
      if (isWhole) problems.push(`${name} lacks its value`);
      continue;
    }
    problems.push(...checkValue(option, value));
    while (option.variadic && words[i + 1] !== undefined && !words[i + 1]?.startsWith('-')) {
      i += 1;
      problems.push(...checkValue(option, words[i] ?? ''));
    }
  }
  const { registeredArguments: wanted } = command;
  if (operands > wanted.length && wanted.at(-1)?.variadic !== true)
    problems.push(`${command.name()} has no place for an argument more`);
  if (!isWhole) return problems;
  if (command.commands.length > 0 && wanted.length === 0) {
    const names = command.commands.map((each) => each.name()).join(', ');
    return [...problems, `${command.name()} needs a command: ${names}`];
  }
  if (operands < wanted.filter(({ required }) => required).length)
    problems.push(`${command.name()} lacks an argument`);
  for (const option of command.options) {
    if (option.mandatory && !given.has(option))
      problems.push(`${command.name()} lacks ${option.long}`);
  }
  return problems;
}

/** Placeholders (MONTH, $KEY, …) stand for any value. */
function checkValue(option: Option, value: string): readonly string[] {
  if (/^[A-Z[<$…]|[A-Z]{3,}|…/.test(value)) return [];
  try {
    option.parseArg?.(value, undefined);
    return [];
  } catch (error) {
    return [`${option.long} does not take ${value}: ${(error as Error).message}`];
  }
}
