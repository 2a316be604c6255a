import { createPool } from '@odometer/database/pool';
import { findQueriedMeter } from '@odometer/database/query/queried-meter';
import { type AnswerFrom, queryMeter } from '@odometer/database/query/query-meter';
import { type Figure, note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { median, rounded } from '../statistics.ts';
import { fillEvents, METER, RANGE } from './fill-events.ts';

const EVENTS = 1_000_000;
const MIN_RATIO = 20;

/** A month of 1,000,000 events by the day, from what is summed up and from the events. The answers must be the same. */
export async function queryDayFigures(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const events = Math.max(10_000, Math.round(EVENTS * settings.scale));
  return servers.withFresh(async (databaseUrl, db) => {
    note(`  filling ${events} events`);
    await fillEvents(db, events);
    const pool = createPool(
      { url: databaseUrl, applicationName: 'bench', maxConnections: 1 },
      () => {},
    );
    try {
      const meter = await findQueriedMeter(db, METER);
      if (meter === undefined) throw new Error(`there is no meter ${METER}`);
      const answers = new Set<string>();
      const milliseconds = async (from: AnswerFrom): Promise<number> => {
        const startedAtMs = performance.now();
        const rows = await queryMeter(
          pool,
          {
            meter,
            organization: null,
            fromMs: Date.parse(RANGE.from),
            toMs: Date.parse(RANGE.to),
            window: { size: 'DAY', clock: (atMs) => atMs },
            subjects: null,
            organizations: null,
            groupBy: [],
            filters: [],
          },
          from,
        );
        const tookMs = performance.now() - startedAtMs;
        answers.add(JSON.stringify(rows));
        return tookMs;
      };
      await milliseconds('summed');
      await milliseconds('events');
      const times = await interleave('query-day', settings.pairs, [
        { name: 'odometer', run: () => milliseconds('summed') },
        { name: 'events', run: () => milliseconds('events') },
      ]);
      if (answers.size !== 1) throw new Error('sums and events give different answers');
      // How many times faster, so the other way round.
      const comparison = compare(times.events, times.odometer);
      return [
        {
          bench: 'query-day',
          value: rounded(median(times.odometer)),
          unit: 'ms',
          against: 'the same question answered from the events',
          ...comparison,
          baseline: rounded(median(times.events)),
          target: `ratio ≥ ${MIN_RATIO}`,
          reached: comparison.ratio >= MIN_RATIO,
        },
      ];
    } finally {
      await pool.end();
    }
  });
}
