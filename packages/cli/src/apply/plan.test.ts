import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { applyDeclarations, type Change } from './apply-declarations.ts';
import { readDeclarations } from './read-declarations.ts';

const { pool } = useTestDatabase();

const apply = (text: string, dryRun = false): Promise<readonly Change[]> =>
  applyDeclarations(pool, readDeclarations('FILE.yaml', text), {
    file: 'FILE.yaml',
    dryRun,
    actor: 'cli:test',
  });

const actions = (changes: readonly Change[]) => changes.map(({ action }) => action);

const FILE = `
kind: Organization
spec: { slug: acme, plan: pro, users: 3 }
---
kind: Plan
spec:
  slug: pro
  currency: EUR
  limits:
    - { meter: gpu_seconds, scope: project, included: 3600, pricePerUnit: 0.002 }
    - { meter: users, scope: organization, included: unlimited }
---
kind: Meter
spec: { slug: gpu_seconds, eventType: gpu, aggregation: sum, valueProperty: $.seconds }
`;

test('an organization, its plan and the meter it limits come in one file, once', async () => {
  expect(actions(await apply(FILE, true))).toEqual(['create', 'create', 'create']);
  expect(actions(await apply(FILE))).toEqual(['create', 'create', 'create']);
  expect(actions(await apply(FILE))).toEqual(['unchanged', 'unchanged', 'unchanged']);
  const { rows } = await pool.query(
    `select action, subject, detail from audit_log where action ~ 'plan|organization' order by id`,
  );
  expect(rows).toMatchObject([
    { action: 'plan.create', subject: 'pro' },
    { action: 'organization.create', subject: 'acme', detail: { plan: { to: 'pro' } } },
  ]);
});

test('a limit that differs shows by itself, and makes a new version', async () => {
  await apply(FILE);
  const [, plan] = await apply(FILE.replace('3600', '7200'));
  expect(plan?.fields).toEqual([
    {
      field: 'gpu_seconds per project',
      from: { included: '3600', hard: false, pricePerUnit: '0.002' },
      to: { included: '7200', hard: false, pricePerUnit: '0.002' },
    },
  ]);
  const { rows } = await pool.query("select max(version) as version from plans where slug = 'pro'");
  expect(rows).toEqual([{ version: 2 }]);
});

test('what an organization’s file does not say stays, and null takes the plan away', async () => {
  await apply(FILE);
  expect(actions(await apply('kind: Organization\nspec: { slug: acme }\n'))).toEqual(['unchanged']);
  const [change] = await apply('kind: Organization\nspec: { slug: acme, plan: null }\n');
  expect(change?.fields).toEqual([{ field: 'plan', from: 'pro', to: null }]);
});

test('names all that is missing, also when only asked what would change', async () => {
  const text = `kind: Organization
spec: { slug: acme, plan: gold }
---
kind: Plan
spec: { slug: free, currency: EUR, limits: [{ meter: nothing, scope: project, included: 1 }] }
`;
  for (const dryRun of [true, false]) {
    await expect(apply(text, dryRun)).rejects.toThrow(
      /Plan free: no limit can be on nothing: there is no such meter\n.*Organization acme: there is no plan gold/,
    );
  }
});

test('no meter takes the name of what is registered', () => {
  const text = FILE.replaceAll('gpu_seconds', 'devices');
  expect(() => readDeclarations('FILE.yaml', text)).toThrow(/slug: is what limits call something/);
});
