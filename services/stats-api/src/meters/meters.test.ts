import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { BUILT_IN_METERS } from '@odometer/domain/meters';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';

jest.setTimeout(120_000);

let api: ApiFixture;
beforeAll(async () => {
  api = await startApi();
  await api.pool.query("select create_month_partitions('2026-11-01Z', '2026-11-01Z')");
});
afterAll(() => api.stop());

interface Meter {
  readonly id: string;
  readonly slug: string;
}

const gpu = {
  slug: 'gpu_seconds',
  eventType: 'gpu',
  aggregation: 'SUM',
  valueProperty: '$.seconds',
  groupBy: { model: '$.model' },
};

async function storeEvents(...events: readonly (readonly [subject: string, model: unknown])[]) {
  for (const [subject, model] of events) {
    const [organization, project] = subject.split('/');
    await api.pool.query(
      `insert into events (time, key, organization_id, project_id, source, id, type, subject, data, time_given, ingested_at)
       select '2026-11-05T10:30Z', gen_random_uuid(), o.id, p.id, 's', '1', 'gpu', $3, $4::jsonb, true, now()
       from organizations o join projects p on p.organization_id = o.id where o.slug = $1 and p.slug = $2`,
      [organization, project, subject, JSON.stringify({ seconds: 1, model })],
    );
  }
}

describe('meters', () => {
  test('are created, read, changed and deleted in OpenMeter’s form', async () => {
    const created = await api.ask('POST /api/v1/meters', { body: { ...gpu, slug: 'plain' } });
    expect(created.status).toBe(201);
    const meter = created.json<Meter>();
    expect(meter).toEqual({
      id: expect.stringMatching(/^\d+$/),
      slug: 'plain',
      name: 'plain',
      metadata: {},
      aggregation: 'SUM',
      eventType: 'gpu',
      valueProperty: '$.seconds',
      groupBy: { model: '$.model' },
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
      unit: 'unit',
      owner: 'events',
      builtIn: false,
      countingBack: false,
    });
    for (const name of ['plain', meter.id]) {
      expect((await api.ask(`GET /api/v1/meters/${name}`)).json()).toEqual(meter);
    }
    const changed = await api.ask('PUT /api/v1/meters/plain', {
      body: { name: 'GPU', description: 'how long', metadata: { team: 'ml' }, groupBy: {} },
    });
    expect(changed.json()).toMatchObject({ name: 'GPU', description: 'how long', groupBy: {} });
    const list = (await api.ask('GET /api/v1/meters?orderBy=key&order=DESC')).json<Meter[]>();
    expect(list).toHaveLength(BUILT_IN_METERS.length + 1);
    expect(list.map(({ slug }) => slug)).toEqual(
      list
        .map(({ slug }) => slug)
        .sort()
        .reverse(),
    );
    const page = (await api.ask('GET /api/v1/meters?page=3&pageSize=10')).json<Meter[]>();
    expect(page.map(({ slug }) => slug)).toEqual([
      'ecr_image_count',
      's3_object_count',
      's3_byte_hours',
      'plain',
    ]);

    expect((await api.ask('DELETE /api/v1/meters/plain')).status).toBe(204);
    expect((await api.ask('GET /api/v1/meters/plain')).status).toBe(404);
    const { rows } = await api.pool.query<{ action: string }>(
      "select action from audit_log where subject = 'plain' and actor like 'key:%' order by id",
    );
    expect(rows.map(({ action }) => action)).toEqual([
      'meter.create',
      'meter.update',
      'meter.delete',
    ]);
  });

  test('of all seven aggregations; COUNT passes over a value', async () => {
    for (const aggregation of ['SUM', 'COUNT', 'UNIQUE_COUNT', 'AVG', 'MIN', 'MAX', 'LATEST']) {
      const slug = `every_${aggregation.toLowerCase()}`;
      const { status, json } = await api.ask('POST /api/v1/meters', {
        body: { ...gpu, slug, aggregation },
      });
      expect(status).toBe(201);
      expect(json()).toMatchObject({ aggregation });
      expect('valueProperty' in json<object>()).toBe(aggregation !== 'COUNT');
    }
  });

  test.each([
    ['a slug of capitals', { slug: 'Gpu' }, 'slug: should be small letters'],
    ['a slug that is a number', { slug: '1000' }, 'slug: should not be a number'],
    ['no value', { valueProperty: undefined }, 'valueProperty: is missing'],
    ['a path of many values', { valueProperty: '$..*' }, 'should be a JSON path of one value'],
    ['SQL in a path', { groupBy: { a: "$'); drop table meters; --" } }, 'should be a JSON path'],
    ['an unknown aggregation', { aggregation: 'MEDIAN' }, 'aggregation'],
    [
      'a field that does not exist',
      { eventTipe: 'x' },
      'unknown field eventTipe; did you mean eventType?',
    ],
    ['a start', { eventFrom: '2026-01-01T00:00:00Z' }, 'unknown field eventFrom'],
    ['U+0000', { eventType: 'a\u0000b' }, 'U+0000'],
    [
      'a dimension that would be left out',
      { groupBy: JSON.parse('{"__proto__":"$.a"}') },
      'groupBy.__proto__ is no name that can be used',
    ],
  ])('with %s is refused', async (_, change, message) => {
    const answer = await api.ask('POST /api/v1/meters', { body: { ...gpu, ...change } });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json<{ detail: string }>().detail).toContain(message);
  });

  test('belong to the installation: a key of one organization reads them and changes none', async () => {
    const key = 'acme-admin';
    expect((await api.ask('GET /api/v1/meters/logins', { key })).status).toBe(200);
    const attempts = [
      await api.ask('POST /api/v1/meters', { key, body: gpu }),
      await api.ask('PUT /api/v1/meters/nobodys', { key, body: {} }),
      await api.ask('PUT /api/v1/meters/logins', { key, body: {} }),
      await api.ask('DELETE /api/v1/meters/nobodys', { key }),
      await api.ask('DELETE /api/v1/meters/logins', { key }),
    ];
    expect(attempts.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect((await api.ask('POST /api/v1/meters', { key: 'reader', body: gpu })).status).toBe(403);
    expect((await api.ask('DELETE /api/v1/meters/logins')).status).toBe(409);
    expect((await api.ask('PUT /api/v1/meters/logins', { body: { unit: 'x' } })).status).toBe(409);
  });

  test('that come after their events ask for them to be counted, and are created without Redis, too', async () => {
    await api.ask('POST /api/v1/subjects', { body: [{ key: 'acme/web' }] });
    await storeEvents(['acme/web', 'a']);
    const created = await api.ask('POST /api/v1/meters', { body: gpu });
    expect(created.json()).toMatchObject({ countingBack: true });
    const client = createProducerRedis({ url: api.redisUrl });
    await waitUntilReady(client, 5_000);
    const queue = new JobQueue('periods', client);
    expect(await queue.get('count-back.gpu_seconds.0')).toMatchObject({ name: 'count-back' });
    await queue.stop();
    client.disconnect();
    expect((await api.ask('POST /api/v1/meters', { body: gpu })).status).toBe(409);

    api.redis.refuse();
    const without = await api.ask('POST /api/v1/meters', { body: { ...gpu, slug: 'without' } });
    expect(without.status).toBe(201);
    api.redis.pass();
  });
});

describe('subjects', () => {
  test('are projects, called by the shortest name their reader may use', async () => {
    const upserted = await api.ask('POST /api/v1/subjects', {
      body: [
        { key: 'org-1', displayName: 'One', metadata: { crm: 7 }, stripeCustomerId: null },
        { key: 'acme/shop' },
        { key: 'zeta/web' },
      ],
    });
    expect(upserted.status).toBe(200);
    expect(upserted.json()).toMatchObject([
      { key: 'org-1', displayName: 'One', metadata: null },
      { key: 'acme/shop', displayName: null },
      { key: 'zeta/web' },
    ]);
    const [one] = upserted.json<readonly { readonly id: string }[]>();
    for (const name of ['org-1', 'default%2Forg-1', one?.id ?? '']) {
      expect((await api.ask(`GET /api/v1/subjects/${name}`)).json()).toEqual(one);
    }
    // A name that is left out stays; null takes it away.
    const again = await api.ask('POST /api/v1/subjects', { body: [{ key: 'org-1' }] });
    expect(again.json()).toMatchObject([{ displayName: 'One' }]);
    const all = (await api.ask('GET /api/v1/subjects')).json<readonly { key: string }[]>();
    expect(all.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['org-1', 'acme/shop', 'zeta/web']),
    );
    const acmes = (await api.ask('GET /api/v1/subjects', { key: 'acme-reader' })).json();
    expect(acmes).toEqual(expect.arrayContaining([expect.objectContaining({ key: 'shop' })]));
    expect(JSON.stringify(acmes)).not.toContain('zeta');
  });

  test('of another organization are not to be known, nor registered', async () => {
    const { rows } = await api.pool.query<{ id: string }>(
      "select p.id from projects p join organizations o on o.id = p.organization_id where o.slug = 'zeta'",
    );
    const key = 'acme-reader';
    const texts = new Set<string>();
    for (const name of ['zeta%2Fweb', 'zeta%2Fnone', rows[0]?.id ?? '', '999999999']) {
      const answer = await api.ask(`GET /api/v1/subjects/${name}`, { key });
      expect(answer.status).toBe(403);
      texts.add(answer.json<{ detail: string }>().detail);
    }
    expect(texts.size).toBe(1);
    const body = [{ key: 'mine' }, { key: 'zeta/theirs' }];
    expect((await api.ask('POST /api/v1/subjects', { key: 'acme-admin', body })).status).toBe(403);
    expect((await api.ask('GET /api/v1/subjects/mine', { key })).status).toBe(404);
  });

  test.each([['acme/web/device'], ['a b'], [''], ['a//b']])('cannot be called %j', async (key) => {
    expect((await api.ask('POST /api/v1/subjects', { body: [{ key }] })).status).toBe(400);
  });
});

describe('what a meter can be asked about', () => {
  const values = async (path: string, key?: string) =>
    (await api.ask(`GET /api/v1/meters/${path}`, key === undefined ? {} : { key })).json();

  beforeAll(async () => {
    await api.ask('POST /api/v1/subjects', { body: [{ key: 'acme/web' }, { key: 'zeta/web' }] });
    await storeEvents(['acme/web', 'b'], ['acme/web', null], ['zeta/web', 'c'], ['zeta/web', 4]);
    await api.pool.query(
      `insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count)
       select p.id, m.id, '2026-11-05T10:00Z', p.organization_id, 1, 1 from projects p, meters m
       where p.slug = 'web' and m.slug = 'logins'`,
    );
    await api.pool.query(
      `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
       select p.id, m.id, '2026-11-01Z', p.organization_id, 1, 1 from projects p, meters m
       where p.slug = 'web' and m.slug = 'logins'`,
    );
    await api.pool.query(
      `insert into usage_adjustments (project_id, meter_id, hour, billed_month, organization_id, sum, count)
       select p.id, m.id, '2026-09-05T10:00Z', '2026-11-01Z', p.organization_id, 1, 1 from projects p, meters m
       where p.slug = 'shop' and m.slug = 'logins'`,
    );
  });

  test('its subjects are the projects that used it in the range', async () => {
    expect(await values('logins/subjects')).toEqual(['acme/shop', 'acme/web', 'zeta/web']);
    expect(await values('logins/subjects', 'acme-reader')).toEqual(['shop', 'web']);
    expect(await values('logins/subjects?from=2026-11-05T10:59:00Z')).toEqual([
      'acme/web',
      'zeta/web',
    ]);
    expect(await values('logins/subjects?to=2026-11-05T10:00:00Z')).toEqual(['acme/shop']);
    expect(await values('logs/subjects')).toEqual([]);
  });

  test('the values of a dimension are those of the events in the range that may be seen', async () => {
    const range = '?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00%2B02:00';
    expect(await values(`gpu_seconds/group-by/model/values${range}`)).toEqual(['4', 'a', 'b', 'c']);
    expect(await values(`gpu_seconds/group-by/model/values${range}`, 'acme-reader')).toEqual([
      'a',
      'b',
    ]);
    expect(await values('gpu_seconds/group-by/model/values?to=2026-11-01T00:00:00Z')).toEqual([]);
  });

  test.each([
    [
      'gpu_seconds/group-by/size/values',
      'group-by: "size" is no dimension of this meter; it has model',
    ],
    ['gpu_seconds/group-by/__proto__/values', 'is no dimension'],
    ['mqtt_inbound/group-by/model/values', 'is no dimension of this meter; it has none'],
    ['logins/subjects?from=2026-11-05T00:00:00Z&to=2026-11-05T00:00:00Z', 'should be after from'],
    ['logins/subjects?from=yesterday', 'from'],
  ])('%s is a 400 that says why', async (path, message) => {
    const answer = await api.ask(`GET /api/v1/meters/${path}`);
    expect(answer.status).toBe(400);
    expect(answer.json<{ detail: string }>().detail).toContain(message);
  });

  test('of a meter that does not exist is a 404', async () => {
    expect((await api.ask('GET /api/v1/meters/nobodys/subjects')).status).toBe(404);
    expect((await api.ask('GET /api/v1/meters/nobodys/group-by/a/values')).status).toBe(404);
  });
});

test('a meter that a reading feeds is one of OpenMeter’s form, too, and can be queried by full hours', async () => {
  await api.pool.query(
    `insert into meters (id, slug, kind, unit, aggregation, owner)
     values (nextval('meter_ids'), 'app_devices', 'gauge', 'device', 'latest', 'reading:fleet'),
       (nextval('meter_ids'), 'app_jobs', 'counter', 'job', 'sum', 'reading:jobs')`,
  );
  await api.pool.query(
    `insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
     select p.id, m.id, '2026-11-05T10:00Z', p.organization_id, 7, 1, l.last, l.last, l.last, l.at
     from (select * from projects order by id limit 1) p
     join meters m on m.owner like 'reading:%'
     left join lateral (select 7 as last, '2026-11-05T10:01Z'::timestamptz as at where m.kind = 'gauge') l on true`,
  );
  const list = await api.ask('GET /api/v1/meters');
  expect(list.json<readonly Meter[]>().filter(({ slug }) => slug.startsWith('app_'))).toMatchObject(
    [
      { slug: 'app_devices', aggregation: 'LATEST', eventType: '', owner: 'reading:fleet' },
      { slug: 'app_jobs', aggregation: 'SUM', eventType: '', owner: 'reading:jobs' },
    ],
  );
  const range = 'from=2026-11-05T10:00:00Z&to=2026-11-05T11:00:00Z';
  for (const slug of ['app_devices', 'app_jobs']) {
    const hours = await api.ask(`GET /api/v1/meters/${slug}/query?${range}&windowSize=HOUR`);
    expect(hours.status).toBe(200);
    expect(hours.json()).toMatchObject({ data: [{ value: 7 }] });
    const minutes = await api.ask(`GET /api/v1/meters/${slug}/query?${range}&windowSize=MINUTE`);
    expect(minutes.status).toBe(400);
    const gone = await api.ask(`DELETE /api/v1/meters/${slug}`);
    expect(gone.status).toBe(409);
  }
});
