import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';

jest.setTimeout(120_000);

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  await api.pool.query("select create_month_partitions('2026-10-01Z', '2026-11-01Z')");
  await api.pool.query(
    `insert into organizations (slug) values ('acme'), ('other');
     insert into projects (organization_id, slug) select id, 'web' from organizations;
     insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, group_by, owner, counted_back_at)
     values (5000, 'tokens', 'counter', 'token', 'llm', 'sum', '$.tokens', '{"model": "$.model", "it''s": "$[\\"it''s\\"]"}', 'events', null)`,
  );
  await store('2026-11-05T10:10:20.500Z', 'acme/web', { tokens: 12, model: 'a' });
  await store('2026-11-05T10:50:00Z', 'acme/web/d1', { tokens: '0.5', model: 'b' });
  await store('2026-11-06T00:30:00Z', 'web', { tokens: 4, "it's": "o'clock" });
  await store('2026-11-06T00:30:30Z', 'other/web', { tokens: '9007199254740993', model: 'a,"b"' });
  await store('2026-11-06T01:00:00Z', 'acme/web', { tokens: 'many' });
});
afterAll(() => api.stop());

async function store(time: string, subject: string, data: unknown): Promise<void> {
  const [organization = '', , device = null] = subject.includes('/')
    ? subject.split('/')
    : ['acme'];
  await api.pool.query(
    `insert into events (time, key, organization_id, project_id, device, source, id, type, subject, data, time_given, ingested_at)
     select $1, gen_random_uuid(), o.id, p.id, $4, 's', '1', 'llm', $2, $3::jsonb, true, now()
     from organizations o join projects p on p.organization_id = o.id where o.slug = $5`,
    [time, subject, JSON.stringify(data), device, organization],
  );
}

interface Row {
  readonly value: number;
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly subject: string | null;
  readonly customerId?: string;
  readonly groupBy: Record<string, string | null>;
}

async function rows(query: string, key = 'acme-reader'): Promise<readonly Row[]> {
  const answer = await api.ask(`GET /api/v1/meters/tokens/query?${query}`, { key });
  expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
  return answer.json<{ data: Row[] }>().data;
}

const values = async (query: string, key?: string): Promise<readonly number[]> =>
  (await rows(query, key)).map(({ value }) => value);

describe('the answer', () => {
  test('of no window is one row, to the minute, and says nothing that was not asked', async () => {
    const answer = await api.ask('GET /api/v1/meters/tokens/query', { key: 'acme-reader' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.json()).toEqual({
      data: [
        {
          value: 16.5,
          windowStart: '2026-11-05T10:10:00.000Z',
          windowEnd: '2026-11-06T00:31:00.000Z',
          subject: null,
          groupBy: {},
        },
      ],
    });
  });

  test('repeats range and window size when they were asked for', async () => {
    const path =
      'GET /api/v1/meters/5000/query?from=2026-11-05T00:00:00Z&to=2026-11-07T01:00:00%2B01:00&windowSize=DAY';
    expect((await api.ask(path, { key: 'acme-reader' })).json()).toEqual({
      from: '2026-11-05T00:00:00.000Z',
      to: '2026-11-07T00:00:00.000Z',
      windowSize: 'DAY',
      data: [
        expect.objectContaining({ value: 12.5, windowStart: '2026-11-05T00:00:00.000Z' }),
        expect.objectContaining({ value: 4, windowEnd: '2026-11-07T00:00:00.000Z' }),
      ],
    });
  });

  test('of nothing is an empty list', async () => {
    expect(await rows('from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z')).toEqual([]);
    expect(await rows('subject=nobody')).toEqual([]);
    expect(await rows('subject=no%20name%20at%20all')).toEqual([]);
  });

  test('has half-open ranges', async () => {
    expect(await values('from=2026-11-05T10:50:00Z&to=2026-11-06T00:30:00Z')).toEqual([0.5]);
  });

  test('cuts fractions of a second off a range, and tells the range that it answers', async () => {
    const range = 'from=2026-11-05T10:10:20.900Z&to=2026-11-05T10:50:00.999Z';
    const answer = await api.ask(`GET /api/v1/meters/tokens/query?${range}`, {
      key: 'acme-reader',
    });
    expect(answer.json()).toMatchObject({
      from: '2026-11-05T10:10:20.000Z',
      to: '2026-11-05T10:50:00.000Z',
      data: [{ value: 12 }],
    });
    const within = 'from=2026-11-05T10:10:20.1Z&to=2026-11-05T10:10:20.9Z';
    const empty = await api.ask(`GET /api/v1/meters/tokens/query?${within}`);
    expect([empty.status, empty.text]).toEqual([400, expect.stringContaining('after from')]);
  });

  test('knows time zones', async () => {
    expect(
      (await rows('windowSize=DAY&windowTimeZone=America/New_York')).map((row) => row.windowStart),
    ).toEqual(['2026-11-05T05:00:00.000Z']);
    expect(
      (await rows('windowSize=HOUR&windowTimeZone=Asia/Kathmandu')).map((row) => row.windowStart),
    ).toEqual(['2026-11-05T09:15:00.000Z', '2026-11-05T10:15:00.000Z', '2026-11-06T00:15:00.000Z']);
    expect(await rows('windowSize=MINUTE')).toHaveLength(3);
    expect(await rows('windowSize=MONTH')).toHaveLength(1);
  });

  test('filters and groups by subject', async () => {
    expect(
      (await rows('subject=web&subject=acme/web/d1')).map(({ subject, value }) => [subject, value]),
    ).toEqual([
      ['acme/web/d1', 0.5],
      ['web', 16.5],
    ]);
    expect((await rows('groupBy=subject')).map(({ subject, value }) => [subject, value])).toEqual([
      ['acme/web', 12],
      ['acme/web/d1', 0.5],
      ['web', 4],
    ]);
    // Who may see all cannot take one bare name for two projects.
    expect((await rows('groupBy=subject', 'reader')).map(({ subject }) => subject)).toEqual([
      'acme/web',
      'acme/web/d1',
      'other/web',
    ]);
  });

  test('groups by dimension; who has none is null', async () => {
    expect((await rows('groupBy=model')).map(({ groupBy, value }) => [groupBy, value])).toEqual([
      [{ model: 'a' }, 12],
      [{ model: 'b' }, 0.5],
      [{ model: null }, 4],
    ]);
  });

  test('takes an organization for a customer', async () => {
    expect(
      (await rows('filterCustomerId=acme', 'reader')).map((row) => [row.customerId, row.value]),
    ).toEqual([['acme', 16.5]]);
    expect(await rows('groupBy=customer_id', 'reader')).toHaveLength(2);
  });

  test('filters by dimension', async () => {
    expect(await values('filterGroupBy[model]=a&filterGroupBy[model]=b')).toEqual([12.5]);
    expect(await values("filterGroupBy[it's]=o'clock")).toEqual([4]);
    const by = (filter: unknown) =>
      values(
        `advancedMeterGroupByFilters=${encodeURIComponent(JSON.stringify({ model: filter }))}`,
      );
    expect(await by({ $eq: 'a' })).toEqual([12]);
    expect(await by({ $ne: 'a' })).toEqual([4.5]);
    expect(await by({ $in: ['a', 'b'], $eq: null })).toEqual([12.5]);
    expect(await by({ $nin: ['a', 'b'] })).toEqual([4]);
    expect(await by({ $gt: 'a' })).toEqual([0.5]);
    expect(await by({ $lte: 'a' })).toEqual([16]);
    expect(await by({ $like: '_' })).toEqual([12.5]);
    expect(await by({ $nilike: 'A' })).toEqual([4.5]);
    expect(await by({ $contains: '%' })).toEqual([]);
    expect(await by({ $exists: false })).toEqual([4]);
    expect(await by({ $or: [{ $eq: 'a' }, { $and: [{ $gte: 'b' }, { $lt: 'c' }] }] })).toEqual([
      12.5,
    ]);
  });

  test('keeps all digits of a number that no double holds', async () => {
    const { text } = await api.ask('GET /api/v1/meters/tokens/query?subject=other/web', {
      key: 'reader',
    });
    expect(text).toContain('"value":9007199254740993,');
  });

  test('is the same to a POST', async () => {
    const body = {
      windowSize: 'DAY',
      subject: ['web'],
      filterGroupBy: { model: ['a', 'b'] },
      clientId: 'x',
    };
    const answer = await api.ask('POST /api/v1/meters/tokens/query', { key: 'acme-reader', body });
    expect(answer.json()).toMatchObject({
      windowSize: 'DAY',
      data: [{ value: 12.5, subject: 'web' }],
    });
  });

  test('is CSV to who asks for it', async () => {
    const answer = await api.ask(
      'GET /api/v1/meters/tokens/query?windowSize=DAY&groupBy=subject&groupBy=model',
      { key: 'reader', headers: { Accept: 'text/csv' } },
    );
    expect(answer.headers.get('content-type')).toBe('text/csv');
    expect(answer.text).toBe(
      [
        'window_start,window_end,subject,model,value',
        '2026-11-05T00:00:00Z,2026-11-06T00:00:00Z,acme/web,a,12.000000',
        '2026-11-05T00:00:00Z,2026-11-06T00:00:00Z,acme/web/d1,b,0.500000',
        '2026-11-06T00:00:00Z,2026-11-07T00:00:00Z,acme/web,,4.000000',
        '2026-11-06T00:00:00Z,2026-11-07T00:00:00Z,other/web,"a,""b""",9007199254740993.000000',
        '',
      ].join('\n'),
    );
  });
});

describe('what cannot be answered', () => {
  test.each([
    ['an unknown group', 'groupBy=colour', 'colour'],
    ['a dimension of objects in general', 'groupBy=__proto__', '__proto__'],
    ['an unknown filter', 'filterGroupBy[colour]=red', 'colour'],
    [
      'a filter that would be none',
      'filterGroupBy[__proto__]=a',
      'filterGroupBy.__proto__ is no name',
    ],
    [
      'a condition that would be none',
      'advancedMeterGroupByFilters={"__proto__":{"$eq":"a"}}',
      '__proto__ is no name',
    ],
    [
      'a condition that Postgres refuses',
      'advancedMeterGroupByFilters={"model":{"$eq":"\\u0000"}}',
      'model.$eq holds U+0000',
    ],
    [
      'two kinds of filters',
      'filterGroupBy[model]=a&advancedMeterGroupByFilters={"model":{"$eq":"a"}}',
      'together',
    ],
    ['an unknown time zone', 'windowSize=DAY&windowTimeZone=Mars/Olympus', 'windowTimeZone'],
    [
      'a time zone that is SQL',
      "windowSize=DAY&windowTimeZone=UTC'; drop table events; --",
      'windowTimeZone',
    ],
    ['an unknown window', 'windowSize=WEEK', 'windowSize'],
    ['a reversed range', 'from=2026-11-06T00:00:00Z&to=2026-11-05T00:00:00Z', 'after from'],
    ['an empty range', 'from=2026-11-06T00:00:00Z&to=2026-11-06T00:00:00Z', 'after from'],
    ['a time that is none', 'from=yesterday', 'from'],
    ['conditions that are no JSON', 'advancedMeterGroupByFilters={', 'JSON'],
    ['an unknown operator', 'advancedMeterGroupByFilters={"model":{"$regex":"a"}}', 'regex'],
    [
      'two operators',
      'advancedMeterGroupByFilters={"model":{"$eq":"a","$ne":"b"}}',
      'one operator',
    ],
    [
      'a pattern that Postgres refuses',
      'advancedMeterGroupByFilters={"model":{"$like":"a\\\\"}}',
      'backslash',
    ],
    ['an unknown parameter', 'window=DAY', 'window'],
  ])('%s is a 400 that says why', async (_, query, reason) => {
    const answer = await api.ask(
      `GET /api/v1/meters/tokens/query?${query.replaceAll('\\', '%5C')}`,
    );
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(reason)]);
  });

  test.each(['filterGroupBy', 'advancedMeterGroupByFilters'])(
    'a POST whose %s would be left out by whoever reads it is a 400, too',
    async (member) => {
      const body = `{"${member}":{"__proto__":["a"]}}`;
      const answer = await api.ask('POST /api/v1/meters/tokens/query', { body });
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({
        detail: `${member}.__proto__ is no name that can be used`,
      });
    },
  );

  test.each([
    ['windowSize=MINUTE', 'windows of a minute'],
    [
      'windowSize=DAY&windowTimeZone=Asia/Kathmandu&from=2026-11-01T00:00:00Z&to=2026-11-09T00:00:00Z',
      'full hours of UTC',
    ],
    ['groupBy=subject', 'groups by subject'],
    ['subject=acme/web/d1', 'a device'],
    ['from=2026-11-05T00:30:00Z&to=2026-11-09T00:00:00Z', 'full hours of UTC'],
  ])('messages have no events: %s is a 400 that says why', async (query, reason) => {
    const answer = await api.ask(`GET /api/v1/meters/mqtt_inbound/query?${query}`);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(reason)]);
  });

  test('what text others send is never SQL nor a path', async () => {
    const nasty = `'); drop table events; -- " $ \\ % _ {} $1`;
    const body = {
      subject: [nasty],
      filterGroupBy: { "it's": [nasty] },
      groupBy: ["it's"],
    };
    const answer = await api.ask('POST /api/v1/meters/tokens/query', { body });
    expect([answer.status, answer.json()]).toEqual([200, { data: [] }]);
    expect(
      (await api.ask(`GET /api/v1/meters/${encodeURIComponent("x' or 1=1")}/query`)).status,
    ).toBe(404);
    expect(await rows('', 'reader')).toHaveLength(1);
  });

  test('another organization’s is forbidden, whether or not it exists', async () => {
    const asked = [
      'subject=other/web',
      'subject=none/web',
      'filterCustomerId=other',
      'filterCustomerId=none',
    ];
    const answers = await Promise.all(
      asked.map((query) =>
        api.ask(`GET /api/v1/meters/tokens/query?${query}`, { key: 'acme-reader' }),
      ),
    );
    const texts = answers.map(
      ({ status, text }) => `${status} ${text.replace(/urn:request:[\w-]+/, '')}`,
    );
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toMatch(/^403 /);
  });

  test('what is not kept any more is refused, never left out', async () => {
    await api.pool.query("update event_retention set kept_from = '2026-11-06T00:00:00Z'");
    const answer = await api.ask('GET /api/v1/meters/tokens/query?groupBy=model');
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('not kept')]);
    expect(await values('from=2026-11-06T00:00:00Z')).toEqual([4]);
    await api.pool.query("update event_retention set kept_from = '-infinity'");
  });
});
