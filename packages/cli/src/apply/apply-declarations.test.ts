import { describe, expect, test } from '@jest/globals';
import { lockCatalogueShared } from '@odometer/database/advisory-locks';
import { catalogueVersion, listEventMeters } from '@odometer/database/meters/catalogue';
import { inTransaction } from '@odometer/database/pool';
import { eventually } from '@odometer/testing/eventually';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { applyDeclarations, type Change } from './apply-declarations.ts';
import { readDeclarations } from './read-declarations.ts';

const { pool } = useTestDatabase();

const meter = (slug: string, more = '', valueProperty = '$.seconds'): string => `
kind: Meter
spec:
  slug: ${slug}
  eventType: gpu
  aggregation: sum
  valueProperty: ${valueProperty}
  ${more}
`;

const apply = (text: string, dryRun = false): Promise<readonly Change[]> =>
  applyDeclarations(pool, readDeclarations('FILE.yaml', text), {
    file: 'FILE.yaml',
    dryRun,
    actor: 'cli:test',
  });

const actions = (changes: readonly Change[]) => changes.map(({ action }) => action);

async function auditOf(subject: string): Promise<readonly unknown[]> {
  const { rows } = await pool.query(
    'select actor, action, detail from audit_log where subject = $1 order by id',
    [subject],
  );
  return rows;
}

describe('applyDeclarations', () => {
  test('creates, then changes nothing, and audits what it did with it', async () => {
    const before = await catalogueVersion(pool);
    const text = `${meter('a', 'unit: second')}---\nkind: Project\nspec: { organization: acme, slug: web }\n`;
    expect(actions(await apply(text, true))).toEqual(['create', 'create']);
    expect(await auditOf('a')).toEqual([]);
    expect(actions(await apply(text))).toEqual(['create', 'create']);
    expect(actions(await apply(text))).toEqual(['unchanged', 'unchanged']);
    expect(await auditOf('a')).toMatchObject([
      { actor: 'cli:test', action: 'meter.create', detail: { unit: { to: 'second' } } },
    ]);
    expect(await auditOf('acme/web')).toMatchObject([{ action: 'project.create' }]);
    expect(Number(await catalogueVersion(pool))).toBe(Number(before) + 1);
    expect(await listEventMeters(pool)).toContainEqual(
      expect.objectContaining({ slug: 'a', eventType: 'gpu', valuePath: '$.seconds' }),
    );
  });

  test('shows the difference field by field, and makes it so', async () => {
    await apply(meter('b'));
    const wanted = meter('b', 'groupBy: { model: $.model }');
    const planned = await apply(wanted, true);
    expect(planned[0]?.fields).toEqual([{ field: 'groupBy', from: {}, to: { model: '$.model' } }]);
    expect(actions(await apply(wanted))).toEqual(['update']);
    expect(actions(await apply(wanted))).toEqual(['unchanged']);
  });

  test('refuses to reinterpret counted usage, and then changes nothing at all', async () => {
    await apply(meter('c'));
    const text = `${meter('c', '', '$.minutes')}---${meter('d')}`;
    await expect(apply(text)).rejects.toThrow(
      /Meter c: valueProperty cannot be changed from \$\.seconds to \$\.minutes, because usage counted so far/,
    );
    await expect(apply(text, true)).rejects.toThrow('cannot be changed');
    expect(await auditOf('d')).toEqual([]);
    await expect(apply(meter('c').replace('eventType: gpu', 'eventType: cpu'))).rejects.toThrow(
      /Meter c: eventType cannot be changed from gpu to cpu/,
    );
  });

  test('refuses to change a built-in meter', async () => {
    await expect(apply(meter('logins'))).rejects.toThrow(/built-in meter cannot be changed/);
  });

  test('declares what was discovered', async () => {
    await pool.query("insert into organizations (slug, discovered) values ('found', true)");
    const changes = await apply('kind: Organization\nspec: { slug: found, name: Found }\n');
    expect(changes[0]).toMatchObject({
      action: 'update',
      fields: [
        { field: 'name', from: null, to: 'Found' },
        { field: 'discovered', from: true, to: false },
      ],
    });
    const { rows } = await pool.query("select discovered from organizations where slug = 'found'");
    expect(rows).toEqual([{ discovered: false }]);
  });

  test('stores a webhook as ingest-api reads it, and knows it again', async () => {
    const text = `kind: Webhook\nspec: { name: auth0, kind: auth0, tokenHash: ${'ab'.repeat(32)}, fields: { project: { field: client_name } } }\n`;
    expect(actions(await apply(text))).toEqual(['create']);
    expect(actions(await apply(text))).toEqual(['unchanged']);
  });

  test('waits for appliers that use the catalogue, and lets two runs follow one another', async () => {
    let done = false;
    const [first, second] = await inTransaction(pool, async (applier) => {
      await lockCatalogueShared(applier);
      const runs = [meter('e'), meter('e', 'unit: minute')].map((text) =>
        apply(text).finally(() => {
          done = true;
        }),
      );
      await eventually(async () => {
        const { rows } = await pool.query<{ waiting: string }>(
          "select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted",
        );
        return Number(rows[0]?.waiting) === 2;
      });
      expect(done).toBe(false);
      return [runs[0], runs[1]];
    });
    const outcomes = [actions((await first) ?? []), actions((await second) ?? [])];
    expect(outcomes).toContainEqual(['create']);
    expect(outcomes).toContainEqual(['update']);
  });
});
