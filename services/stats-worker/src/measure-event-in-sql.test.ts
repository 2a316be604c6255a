import { expect, test } from '@jest/globals';
import { jsonPath } from '@odometer/database/query/json-path';
import { formatQuantity, parseQuantity } from '@odometer/domain/decimal';
import { parseValuePath } from '@odometer/domain/value-path';
import { type SeededRandom, seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { measureEvent } from './measure-event.ts';

const { pool } = useTestDatabase();

const PATHS = [
  '$',
  '$.value',
  '$.usage.bytes',
  "$['in use'][0]",
  '$[1]',
  "$['0']",
  "$['-1']",
  '$["quo\\"te"]',
  "$['back\\\\slash']",
  "$['']",
  "$['d$o.t']",
  '$.länge.x',
  '$.items.length',
  '$.__proto__',
];

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.1,
  0.2,
  1e-7,
  1e-12,
  1e-13,
  1.5e-9,
  123456.789,
  -12.5,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 53 + 2,
  1e15,
  1e21,
  1e-300,
  1.7e308,
  5e-324,
  0.1 + 0.2,
  1 / 3,
  123456789012345.6,
  12345678901234.5,
  99999999999999.9,
  0.000123456789012,
  0.0001234567890125,
  1.1e20,
  100,
  1200.5,
];

const TEXTS = [
  '',
  ' ',
  '0',
  '-0',
  '+1',
  '1',
  ' 12 ',
  '\t3\n',
  '\u00a04\u2003',
  '\ufeff5',
  '\u180e6',
  '1.50',
  '1.',
  '.5',
  '1e3',
  '1E-12',
  '1e-13',
  '1e29',
  '1e30',
  '1e31',
  '1e999',
  '0e999',
  '1e1000',
  '1e+5',
  '--1',
  '1 2',
  '0x10',
  'NaN',
  'Infinity',
  '-Infinity',
  'null',
  '٣',
  '1_000',
  '1,5',
  '9007199254740993',
  '0.1',
  '1.000000000000',
  '1.0000000000001',
  '123456789012345678901234567890',
  '1234567890123456789012345678901',
  `${'9'.repeat(30)}.${'9'.repeat(12)}`,
  `${'0'.repeat(200_000)}7`,
  `7${'0'.repeat(200_000)}`,
  `1.${'0'.repeat(20_000)}`,
  `0.${'0'.repeat(20_000)}1`,
  `0.${'0'.repeat(990)}1e990`,
  '000.1200e2',
  '1\n2',
  '1\n',
];

function randomValue(random: SeededRandom): unknown {
  switch (random.integer(0, 9)) {
    case 0:
      return random.pick([null, true, false, {}, [], { value: 1 }, [1, 2]]);
    case 1:
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return random.pick(TEXTS);
    case 4:
      return (random.next() - 0.5) * 10 ** random.integer(-20, 25);
    case 5:
      return Number(
        ((random.next() - 0.5) * 10 ** random.integer(0, 9)).toFixed(random.integer(0, 9)),
      );
    case 6:
      return String((random.next() - 0.5) * 10 ** random.integer(-20, 25));
    case 7:
      return `${random.integer(-999, 999)}.${random.integer(0, 1e9)}e${random.integer(-25, 35)}`;
    default:
      return random.integer(-1_000, 1_000_000);
  }
}

/** Data in which the paths lead somewhere, nowhere, or somewhere else. */
function randomData(random: SeededRandom): unknown {
  const value = () => randomValue(random);
  switch (random.integer(0, 7)) {
    case 0:
      return value();
    case 1:
      return undefined;
    case 2:
      return [value(), value()];
    case 3:
      return { usage: random.pick([value(), { bytes: value() }, [{ bytes: value() }]]) };
    case 4:
      return {
        'in use': random.pick([value(), [value()], { 0: value() }]),
        0: value(),
        '-1': value(),
      };
    case 5:
      return { 'quo"te': value(), 'back\\slash': value(), '': value(), 'd$o.t': value() };
    case 6:
      return JSON.parse(
        `{"länge":{"x":${JSON.stringify(value())}},"items":[1,2],"__proto__":${JSON.stringify(value())}}`,
      );
    default:
      return { value: value() };
  }
}

test.each(seedsOfThisRun(2))(
  'a query measures every event as it was counted (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    const cases = Array.from({ length: 4_000 }, () => ({
      path: random.pick(PATHS),
      data: randomData(random),
      missing: random.pick([null, '1', '0.5', '-1']),
      mayLower: random.integer(0, 1) === 1,
    }));
    for (const path of PATHS) {
      const all = path === '$' ? [...NUMBERS, ...TEXTS] : [];
      for (const data of all) cases.push({ path, data, missing: null, mayLower: true });
    }
    const { rows } = await pool.query<{ quantity: string | null }>(
      `select trim_scale(event_quantity(data, path, missing, may_lower))::text as quantity
       from unnest($1::jsonb[], $2::jsonpath[], $3::numeric[], $4::boolean[]) with ordinality as c (data, path, missing, may_lower, number)
       order by number`,
      [
        cases.map(({ data }) => (data === undefined ? null : JSON.stringify(data))),
        cases.map(({ path }) => jsonPath(parseValuePath(path) ?? [])),
        cases.map(({ missing }) => missing),
        cases.map(({ mayLower }) => mayLower),
      ],
    );
    const wrong = cases.flatMap(({ path, data, missing, mayLower }, i) => {
      // As an event is when it comes from the queue.
      const stored = data === undefined ? undefined : JSON.parse(JSON.stringify(data));
      const defaultValue = missing === null ? undefined : parseQuantity(missing);
      const counted = measureEvent(
        stored,
        {
          id: 1,
          aggregation: 'sum',
          valuePath: parseValuePath(path) ?? [],
          defaultValue: typeof defaultValue === 'bigint' ? defaultValue : undefined,
        },
        mayLower,
      );
      const expected = typeof counted === 'bigint' ? formatQuantity(counted) : null;
      const found = rows[i]?.quantity;
      if (found === expected) return [];
      return [
        { path, data: JSON.stringify(data)?.slice(0, 200), missing, mayLower, expected, found },
      ];
    });
    expect(wrong).toEqual([]);
    expect(rows.filter(({ quantity }) => quantity !== null).length).toBeGreaterThan(500);
  },
);
