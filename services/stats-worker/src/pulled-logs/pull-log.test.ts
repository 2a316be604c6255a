import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { putWebhook } from '@odometer/database/webhooks';
import { webhookDeclarationSchema } from '@odometer/domain/webhook-declaration';
import { hourlySums, outcomes } from '../../test/applier-fixture.ts';
import { openPull } from '../../test/pull-fixture.ts';
import { isDue } from './plan-due-pulls.ts';
import { pullLog } from './pull-log.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let pull: Awaited<ReturnType<typeof openPull>>;
beforeEach(async () => {
  pull = await openPull();
});
afterEach(() => pull.close());

const ago = (ms: number) => new Date(Date.now() - ms);
const logins = async () => (await hourlySums(pull.pool))['acme/website logins'];
/** Of whole hours: the sum over them. */
async function total(): Promise<number> {
  const { rows } = await pull.pool.query<{ sum: string | null }>(
    `select sum(u.sum) as sum from usage_hourly u join meters m on m.id = u.meter_id where m.slug = 'logins'`,
  );
  return Number(rows[0]?.sum ?? 0);
}
/** Makes Postgres believe that the log was read so much earlier. */
async function age(ms: number): Promise<void> {
  await pull.pool.query(
    `with runs as (
       update pulled_log_runs set started_at = started_at - $1 * interval '1 ms', finished_at = finished_at - $1 * interval '1 ms'
     )
     update pulled_logs set started_at = started_at - $1 * interval '1 ms', read_at = read_at - $1 * interval '1 ms',
       read_until = read_until - $1 * interval '1 ms', position_at = position_at - $1 * interval '1 ms'`,
    [ms],
  );
}

test('a log is read from so far back on to its end, page by page, and then on from there', async () => {
  pull.auth0.write(ago(25 * HOUR_MS));
  for (let i = 0; i < 250; i += 1) pull.auth0.write(ago(HOUR_MS - i * 1_000));
  await pull.declare();
  expect(await pull.pull()).toBeUndefined();
  expect(await total()).toBe(250);
  // Three pages, and the empty one that says that there is no more.
  expect(pull.auth0.pageRequests).toHaveLength(4);
  expect(pull.auth0.pageRequests.every(({ query }) => query.get('take') === '100')).toBe(true);
  expect(await pull.state()).toMatchObject({ caughtUp: true, failures: 0, failure: null });
  expect(await pull.runs()).toMatchObject([
    { state: 'done', pages: 4, items: '250', events: '250', ignored: '0', refused: '0' },
  ]);

  const last = pull.auth0.write(new Date());
  await pull.pull();
  expect(await total()).toBe(251);
  expect((await pull.state()).checkpoint).toBe(last.log_id);
  // Nothing was asked for again.
  expect(await outcomes(pull.pool)).toEqual({ items: 251, counted: 251 });
  expect(pull.auth0.tokenRequests).toBe(1);
});

test('what the mapping does not ask for is skipped, and what it cannot map is counted', async () => {
  pull.auth0.write(ago(3_000));
  pull.auth0.write(ago(2_000), { type: 'ssa' });
  pull.auth0.write(ago(1_000), { client_name: 'Nobody knows' });
  await pull.declare();
  await pull.pull();
  expect(await logins()).toBe('1');
  expect(await pull.runs()).toMatchObject([
    { items: '3', events: '1', ignored: '1', refused: '1' },
  ]);
  expect(pull.counts).toMatchObject({ items: 3, events: 1, refused: 1 });
  expect(pull.lines).toContainEqual({
    event: 'pulled_log_items_refused',
    log: 'auth0-logs',
    rejected: { unmapped: 1 },
  });
});

test('two who read at once: the events count once, and the checkpoint is moved by one of them', async () => {
  for (let i = 0; i < 150; i += 1) pull.auth0.write(ago(MINUTE_MS - i));
  await pull.declare();
  // The second reads all of it while the first has its first page in the hand.
  await pull.pull({
    enqueue: async (events, rejected) => {
      await pull.parts.enqueue(events, rejected);
      await pull.pull();
    },
  });
  expect(await total()).toBe(150);
  const { checkpoint } = await pull.state();
  expect((await pull.runs()).map(({ state }) => state)).toEqual(['done', 'overtaken']);
  await pull.pull();
  expect((await pull.state()).checkpoint).toBe(checkpoint);
  expect(await total()).toBe(150);
});

describe('an overlap', () => {
  test('is read again each time: what appears late is found', async () => {
    pull.auth0.write(ago(HOUR_MS));
    await pull.declare({ overlap: '10m' });
    await pull.pull();
    await age(20 * MINUTE_MS);
    pull.auth0.write(ago(10 * MINUTE_MS));
    await pull.pull();
    await age(5 * MINUTE_MS);
    // Its id is before the checkpoint, and after that of 15 minutes ago.
    pull.auth0.write(ago(30 * MINUTE_MS));
    // And the id of this one is before that, too.
    pull.auth0.write(ago(2 * HOUR_MS));
    await pull.pull();
    expect(await total()).toBe(3);
    expect(await outcomes(pull.pool)).toEqual({ items: 4, counted: 3, duplicate: 1 });
  });

  test('skips nothing of a log that was quiet: it begins where the log was read to, not at a time', async () => {
    const last = pull.auth0.write(ago(5 * HOUR_MS));
    await pull.declare({ overlap: '10m' });
    await pull.pull();
    await age(3 * HOUR_MS);
    await pull.pull();
    // Long before the overlap, and after all that is read.
    pull.auth0.write(ago(4 * HOUR_MS));
    await pull.pull();
    expect(await total()).toBe(2);
    expect(pull.auth0.pageRequests.at(-2)?.query.get('from')).toBe(last.log_id);
  });

  test('of readings that nobody remembers begins where the log was read to', async () => {
    pull.auth0.write(ago(HOUR_MS));
    await pull.declare({ overlap: '10m', lookBack: '2h' });
    await pull.pull();
    await pull.pool.query('delete from pulled_log_runs');
    await age(30 * HOUR_MS);
    pull.auth0.write(ago(20 * HOUR_MS), { log_id: '99' });
    await pull.pull();
    expect(await total()).toBe(2);
  });
});

describe('the first reading', () => {
  test('begins so far before the declaration, however long nobody could read', async () => {
    pull.auth0.write(ago(35 * HOUR_MS));
    pull.auth0.write(ago(25 * HOUR_MS));
    await pull.declare({ lookBack: '24h' });
    await pull.pool.query(`update pulled_logs set declared_at = now() - interval '10 hours'`);
    await pull.pull();
    expect(await total()).toBe(1);
  });

  test('of what the log does not know any more begins with what it keeps', async () => {
    pull.auth0.write(ago(HOUR_MS));
    pull.auth0.refusesLost = true;
    pull.auth0.oldestKept = pull.auth0.write(ago(48 * HOUR_MS + MINUTE_MS)).log_id;
    await pull.declare({ lookBack: '100h', retention: '48h' });
    await pull.pull();
    expect(await total()).toBe(1);
    // From before the declaration nothing was promised.
    expect(await pull.gaps()).toEqual([]);
  });
});

test('an item without a time is refused: it would count when it is read', async () => {
  pull.auth0.write(ago(HOUR_MS), { date: undefined });
  pull.auth0.write(ago(HOUR_MS));
  await pull.declare();
  await pull.pull();
  expect(await total()).toBe(1);
  expect(await pull.runs()).toMatchObject([{ items: '2', events: '1', refused: '1' }]);
});

test('without a webhook that says where the time of an item is nothing is read', async () => {
  pull.auth0.write(ago(MINUTE_MS));
  await pull.declare({ webhook: 'signed' });
  const fields = { id: 'log_id', project: { fixed: 'acme/website' } };
  const webhook = {
    name: 'signed',
    kind: 'hmac',
    secretEnv: 'ODOMETER_WEBHOOK_SECRET_X',
    signature: { header: 'x-signature' },
    type: 'logins',
  };
  await putWebhook(pull.pool, 'signed', webhookDeclarationSchema.parse({ ...webhook, fields }));
  await pull.pull();
  expect((await pull.state()).detail).toContain('webhook signed does not say where the time');
  expect(pull.auth0.requests).toEqual([]);
  const timed = { ...fields, time: 'date' };
  await putWebhook(
    pull.pool,
    'signed',
    webhookDeclarationSchema.parse({ ...webhook, fields: timed }),
  );
  await pull.pull();
  expect(await total()).toBe(1);
});

test('a log without any item at first is read from where the first reading began', async () => {
  const checkpoint = { parameter: 'from', next: { lastItem: 'log_id' }, start: '{epochMs}' };
  await pull.declare({ lookBack: '0m', checkpoint });
  await pull.pull();
  await pull.pull();
  const [first, second] = pull.auth0.pageRequests.map(({ query }) => query.get('from'));
  expect(second).toBe(first);
  pull.auth0.write(ago(0));
  await pull.pull();
  expect(await total()).toBe(1);
  await pull.pull();
  expect(await outcomes(pull.pool)).toEqual({ items: 1, counted: 1 });
});

describe('rate limits', () => {
  const limited = (headers: Readonly<Record<string, string>>, times: number) => {
    let left = times;
    pull.auth0.onRequest = ({ path }) => {
      if (path !== '/api/v2/logs' || left === 0) return undefined;
      left -= 1;
      return (response) =>
        response.writeHead(429, headers).end('{"errorCode":"too_many_requests"}');
    };
  };

  test('a short one is waited for', async () => {
    pull.auth0.write(ago(MINUTE_MS));
    await pull.declare();
    limited({ 'Retry-After': '1' }, 1);
    const startedAt = performance.now();
    expect(await pull.pull()).toBeUndefined();
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(await total()).toBe(1);
  });

  test('a long one ends the reading, which goes on when the log said and not before', async () => {
    pull.auth0.write(ago(MINUTE_MS));
    await pull.declare();
    const resetMs = Date.now() + 300_000;
    limited({ 'X-RateLimit-Reset': String(Math.ceil(resetMs / 1_000)) }, 1);
    const again = await pull.pull();
    expect(again?.afterMs).toBeGreaterThan(298_000);
    expect(again?.afterMs).toBeLessThan(304_000);
    const state = await pull.state();
    expect(state.retryAt?.getTime()).toBeGreaterThan(resetMs - 5_000);
    expect(state).toMatchObject({ failures: 0 });
    expect(await pull.runs()).toMatchObject([
      { state: 'throttled', detail: expect.stringContaining('too_many_requests') },
    ]);
    const asked = pull.auth0.requests.length;
    expect(await pull.pull()).toBeUndefined();
    expect(pull.auth0.requests).toHaveLength(asked);
    expect(isDue(state, Date.now())).toBe(false);
    expect(isDue(state, resetMs + 10_000)).toBe(true);

    await pull.pool.query('update pulled_logs set retry_at = now()');
    await pull.pull();
    expect(await total()).toBe(1);
    expect(await pull.state()).toMatchObject({ retryAt: null });
  });
});

describe('tokens', () => {
  test('one that is not good any more is renewed in the middle of a reading', async () => {
    for (let i = 0; i < 150; i += 1) pull.auth0.write(ago(MINUTE_MS - i));
    await pull.declare();
    let pages = 0;
    pull.auth0.onRequest = ({ path }) => {
      if (path === '/api/v2/logs') pages += 1;
      if (pages === 2) pull.auth0.revokeTokens();
      return undefined;
    };
    await pull.pull();
    expect(await total()).toBe(150);
    expect(pull.auth0.tokenRequests).toBe(2);
    // The second page was refused once, and the fourth is empty.
    expect(pull.auth0.pageRequests).toHaveLength(4);
  });

  test('one that ends is renewed before', async () => {
    pull.auth0.tokenLifeS = 0.05;
    await pull.declare();
    await pull.pull();
    await new Promise((resolve) => setTimeout(resolve, 60));
    await pull.pull();
    expect(pull.auth0.tokenRequests).toBe(2);
    expect(pull.auth0.pageRequests).toHaveLength(2);
  });

  test('without a right to the log it says so, and no secret', async () => {
    pull.auth0.write(ago(MINUTE_MS));
    await pull.declare();
    pull.auth0.onRequest = ({ path }) =>
      path === '/api/v2/logs'
        ? (response) => response.writeHead(403).end('{"errorCode":"insufficient_scope"}')
        : undefined;
    await pull.pull();
    expect(await pull.state()).toMatchObject({
      failures: 1,
      failure: 'target_denied',
      detail: 'pulled log auth0-logs does not let us in: HTTP 403: insufficient_scope',
      checkpoint: null,
    });
    pull.auth0.onRequest = () => undefined;
    await pull.declare({
      authorization: { type: 'bearer', tokenEnv: 'ODOMETER_PULL_SECRET_NOT_THERE' },
    });
    await pull.pull();
    expect((await pull.state()).detail).toBe(
      "pulled log auth0-logs does not let us in: ODOMETER_PULL_SECRET_NOT_THERE is not in the worker's environment",
    );
    expect(JSON.stringify([pull.lines, await pull.runs()])).not.toContain(pull.auth0.clientSecret);
  });
});

describe('a log that was read too late', () => {
  test('a checkpoint that is not known any more is a gap, and what there is is read', async () => {
    pull.auth0.write(ago(100 * HOUR_MS));
    await pull.declare({ lookBack: '200h', retention: '48h' });
    await pull.pull();
    await age(60 * HOUR_MS);
    pull.auth0.write(ago(30 * HOUR_MS));
    pull.auth0.write(ago(47 * HOUR_MS));
    pull.auth0.refusesLost = true;
    pull.auth0.oldestKept = pull.auth0.write(ago(48 * HOUR_MS + MINUTE_MS)).log_id;
    await pull.pull();
    expect(await total()).toBe(3);
    expect(pull.counts).toMatchObject({ lostCheckpoints: 1, failures: 0 });
    const [gap, ...others] = await pull.gaps();
    expect(others).toEqual([]);
    expect(gap).toMatchObject({ source: 'pulled-log/auth0-logs', reason: 'checkpoint_lost' });
    expect(Math.abs((gap?.startedAt?.getTime() ?? 0) - (Date.now() - 60 * HOUR_MS))).toBeLessThan(
      60_000,
    );
    expect(Math.abs((gap?.endedAt.getTime() ?? 0) - (Date.now() - 48 * HOUR_MS))).toBeLessThan(
      60_000,
    );
    await pull.pull();
    expect(await pull.gaps()).toHaveLength(1);
    expect(pull.lines).toContainEqual(expect.objectContaining({ event: 'pulled_log_gap' }));
  });

  test('so is one that it answers with the oldest that it has, as if nothing had been in between', async () => {
    pull.auth0.write(ago(MINUTE_MS));
    await pull.declare({ retention: '48h' });
    await pull.pull();
    await age(60 * HOUR_MS);
    pull.auth0.write(new Date());
    await pull.pull();
    expect(await pull.gaps()).toMatchObject([{ reason: 'checkpoint_lost' }]);
    await pull.pull();
    expect(await pull.gaps()).toHaveLength(1);
    expect(await total()).toBe(2);
  });

  test('reading that is slower than what is written loses too: the gap begins where the log is read to, not when', async () => {
    for (let i = 0; i < 201; i += 1) pull.auth0.write(ago(20 * HOUR_MS - i * 60_000));
    pull.auth0.write(new Date());
    await pull.declare({ retention: '24h', pageSize: { parameter: 'take', count: 1 } });
    // Up to some 17 hours ago.
    await pull.pull();
    await age(10 * HOUR_MS);
    await pull.pull();
    const [gap] = await pull.gaps();
    expect(gap).toMatchObject({ reason: 'checkpoint_lost' });
    const hoursAgo = (at: Date | null | undefined) =>
      Math.round((Date.now() - (at?.getTime() ?? 0)) / (HOUR_MS / 10)) / 10;
    expect([hoursAgo(gap?.startedAt), hoursAgo(gap?.endedAt)]).toEqual([26.7, 24]);
    await pull.pull();
    expect(await pull.gaps()).toHaveLength(1);
  });

  test('who answers what is older than that keeps it for longer than it was said: nothing is lost', async () => {
    for (let i = 0; i < 300; i += 1) pull.auth0.write(ago(100 * HOUR_MS - i * 1_000));
    await pull.declare({
      lookBack: '200h',
      retention: '48h',
      pageSize: { parameter: 'take', count: 1 },
    });
    await pull.pull();
    await age(MINUTE_MS);
    await pull.pull();
    expect(await total()).toBe(300);
    expect(await pull.gaps()).toEqual([]);
  });

  test('of a log that could not be read since it was declared, what it does not keep any more is a gap', async () => {
    await pull.declare({ retention: '48h' });
    await pull.pool.query(`update pulled_logs set declared_at = now() - interval '60 hours'`);
    pull.auth0.write(ago(HOUR_MS));
    await pull.pull();
    const [gap] = await pull.gaps();
    expect(Math.round((Date.now() - (gap?.startedAt?.getTime() ?? 0)) / HOUR_MS)).toBe(60);
    expect(Math.round((Date.now() - (gap?.endedAt.getTime() ?? 0)) / HOUR_MS)).toBe(48);
  });

  test('while it only does not answer, nothing is said to be lost that may come yet', async () => {
    await pull.declare({ retention: '48h' });
    await pull.pull();
    await age(60 * HOUR_MS);
    pull.auth0.onRequest = () => (response) => response.writeHead(503).end();
    await pull.pull();
    expect(await pull.gaps()).toEqual([]);
  });

  test('an address that is wrong is no lost checkpoint', async () => {
    pull.auth0.write(ago(MINUTE_MS));
    await pull.declare();
    await pull.pull();
    const before = await pull.state();
    for (const status of [400, 404, 410, 422]) {
      pull.auth0.onRequest = ({ path }) =>
        path === '/api/v2/logs' ? (response) => response.writeHead(status).end() : undefined;
      await pull.pull();
      expect(await pull.state()).toMatchObject({
        checkpoint: before.checkpoint,
        failure: 'target_invalid',
        detail: `pulled log auth0-logs answers what cannot be used: HTTP ${status}`,
      });
    }
    expect(await pull.gaps()).toEqual([]);
  });
});

describe('what is not a page leaves the checkpoint where it is, and says why', () => {
  const answer = (body: string, headers: Readonly<Record<string, string>> = {}, status = 200) => {
    pull.auth0.onRequest = ({ path }) =>
      path === '/api/v2/logs'
        ? (response) => response.writeHead(status, headers).end(body)
        : undefined;
  };
  const reason = async () =>
    (await pull.state()).detail?.replace('pulled log auth0-logs answers what cannot be used: ', '');

  beforeEach(async () => {
    pull.auth0.write(ago(MINUTE_MS));
    await pull.declare();
    await pull.pull();
  });

  test.each([
    ['<html>Sign in</html>', 'a page is not one: it is no JSON'],
    ['{"message":"down for maintenance"}', 'a page is not one: it is no list of items'],
    ['["x"]', 'a page is not one: its item 1 is no JSON object'],
    ['[{}', 'a page is not one: it is no JSON'],
  ])('%s', async (body, problem) => {
    const before = await pull.state();
    answer(body);
    await pull.pull();
    expect(await reason()).toBe(problem);
    expect(await pull.state()).toMatchObject({ checkpoint: before.checkpoint, failures: 1 });
    answer(body);
    await pull.pull();
    expect(await pull.state()).toMatchObject({ failures: 2 });
    // The next good one is taken, and all is well.
    pull.auth0.onRequest = () => undefined;
    pull.auth0.write(new Date());
    await pull.pull();
    expect(await pull.state()).toMatchObject({ failures: 0, detail: null });
    expect(await total()).toBe(2);
  });

  test('one without end is not read to its end', async () => {
    let sent = 0;
    let closed = false;
    pull.auth0.onRequest = ({ path }) => {
      if (path !== '/api/v2/logs') return undefined;
      return (response) => {
        response.writeHead(200);
        response.on('close', () => {
          closed = true;
        });
        const chunk = `[${' '.repeat(65_535)}`;
        const more = () => {
          while (!response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) {
              response.once('drain', more);
              return;
            }
          }
        };
        more();
      };
    };
    await pull.pull();
    expect(await reason()).toBe(
      'the answer is larger than 8388608 bytes; declare a smaller pageSize',
    );
    expect(closed).toBe(true);
    // What was on its way in buffers of the machine besides.
    expect(sent).toBeLessThan(64 * 1_048_576);
  });

  test('a redirect is not followed: nobody else gets the token', async () => {
    answer('', { Location: `${pull.auth0.url}/elsewhere` }, 302);
    await pull.pull();
    expect(await reason()).toContain('HTTP 302: it redirects, which is not followed');
    expect(pull.auth0.requests.map(({ path }) => path)).not.toContain('/elsewhere');
  });

  test('nor is a link to another host', async () => {
    pull.auth0.write(new Date());
    const { checkpoint } = await pull.state();
    const page = JSON.stringify([{ type: 'ssa' }]);
    let pages = 0;
    pull.auth0.onRequest = ({ path }) => {
      pages += path === '/api/v2/logs' ? 1 : 0;
      if (path !== '/api/v2/logs' || pages > 1) return undefined;
      return (response) =>
        response
          .writeHead(200, { Link: `<http://203.0.113.1/steal?from=${checkpoint}>; rel="next"` })
          .end(page);
    };
    await pull.pull();
    await pull.pull();
    expect(await total()).toBe(2);
  });

  test('one that leads back, or comes again and again, ends the reading', async () => {
    const link = (from: string) => ({ Link: `</api/v2/logs?from=${from}>; rel="next"` });
    let n = 0;
    const serve = (next: (n: number) => string, body: (n: number) => string) => {
      n = 0;
      pull.auth0.onRequest = ({ path }) => {
        if (path !== '/api/v2/logs') return undefined;
        n += 1;
        return (response) => response.writeHead(200, link(next(n))).end(body(n));
      };
    };
    serve(
      (page) => `9${page % 2}`,
      (page) => JSON.stringify([{ type: 'ssa', n: page }]),
    );
    await pull.pull();
    expect(await reason()).toBe('its pages lead back to one that was read');
    expect(n).toBe(3);
    serve(
      (page) => `8${page}`,
      () => '[{"type":"ssa"}]',
    );
    await pull.pull();
    expect(await reason()).toBe('it answers one page again and again');
    expect(n).toBe(2);
  });
});

test('what does not answer is asked again with the next bell', async () => {
  pull.auth0.write(ago(MINUTE_MS));
  await pull.declare({ interval: '6h' });
  pull.auth0.onRequest = ({ path }) =>
    path === '/api/v2/logs' ? (response) => response.writeHead(502).end('bad gateway') : undefined;
  expect(await pull.pull()).toBeUndefined();
  const state = await pull.state();
  expect(state).toMatchObject({ failure: 'target_unavailable', checkpoint: null });
  expect(isDue(state, Date.now())).toBe(true);
  pull.auth0.onRequest = () => undefined;
  await pull.pull();
  expect(await total()).toBe(1);
});

test('without the webhook that says what its items are nothing is read', async () => {
  pull.auth0.write(ago(MINUTE_MS));
  await pull.declare({ webhook: 'another' });
  await pull.pull();
  expect((await pull.state()).detail).toBe(
    'pulled log auth0-logs answers what cannot be used: there is no webhook another',
  );
  expect(pull.auth0.requests).toEqual([]);
});

test('a job has an end: a long log is read on by the next one', async () => {
  for (let i = 0; i < 201; i += 1) pull.auth0.write(ago(HOUR_MS - i));
  await pull.declare({ pageSize: { parameter: 'take', count: 1 } });
  // Whoever waits for the worker has a turn in between.
  expect(await pull.pull()).toEqual({ afterMs: 1_000 });
  const state = await pull.state();
  expect(state).toMatchObject({ caughtUp: false });
  // Also when that one is lost.
  expect(isDue(state, Date.now())).toBe(true);
  expect(await pull.pull()).toBeUndefined();
  expect(await total()).toBe(201);
  expect(await outcomes(pull.pool)).toEqual({ items: 201, counted: 201 });
});

test('a time until which a log is to be left alone is not waited for when a wrong clock has written it', async () => {
  pull.auth0.write(ago(MINUTE_MS));
  await pull.declare();
  await pull.pool.query(`update pulled_logs set retry_at = now() + interval '30 days'`);
  await pull.pull();
  expect(await total()).toBe(1);
});

test('one that is paused is read when somebody asks for it, and not by what has waited since before', async () => {
  pull.auth0.write(ago(HOUR_MS));
  await pull.declare({ paused: true });
  expect(await pull.pull()).toBeUndefined();
  expect(await pull.runs()).toEqual([]);
  const job = { log: 'auth0-logs', asked: true } as const;
  await pullLog(pull.parts, job, new AbortController().signal);
  expect(await logins()).toBe('1');
});
