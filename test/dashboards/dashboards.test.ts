import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { DASHBOARDS, generate, NAMES, panelsOf, readDashboard } from './sources.ts';

/** Together, as they lie in the Secret that Helm keeps of a release, which may have 1 MiB. */
const MAX_BYTES = 200_000;

/** Grafana's names of units, those that dashboards here use. */
const UNITS = /^(short|locale|s|bytes|binBps|percentunit|reqps|ops|cps|eps|mps|recps)$/;

describe.each(NAMES)('the dashboard %s', (name) => {
  test('is what its source makes; refresh it with UPDATE_DOCS=1', () => {
    const file = new URL(`${name}.json`, DASHBOARDS);
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, generate(name));
    expect(readFileSync(file, 'utf8')).toBe(generate(name));
  });

  test('is imported as it is: no ids of a Grafana, data sources by variable, current types of panels', () => {
    const dashboard = readDashboard(name);
    expect(dashboard).not.toHaveProperty('id');
    expect(dashboard).not.toHaveProperty('__inputs');
    expect(dashboard.uid).toBe(`odometer-${name}`);
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(39);
    const source = dashboard.templating.list.find(({ type }) => type === 'datasource');
    for (const { type, datasource, title } of panelsOf(dashboard)) {
      expect([title, datasource]).toEqual([
        title,
        { type: source?.query, uid: `\${${source?.name}}` },
      ]);
      expect(['timeseries', 'stat', 'table', 'heatmap', 'barchart']).toContain(type);
    }
  });

  test('says of each panel what it means and in which unit, under a title of its own', () => {
    const panels = panelsOf(readDashboard(name));
    for (const { title, description, fieldConfig, targets } of panels) {
      expect([title, description]).toEqual([title, expect.stringMatching(/^.{8,}\.$/s)]);
      expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.stringMatching(UNITS)]);
      expect([title, targets]).toEqual([title, expect.arrayContaining([expect.anything()])]);
      for (const { expr, legendFormat, format } of targets ?? []) {
        if (expr !== undefined && format !== 'table') expect(legendFormat).toBeTruthy();
      }
    }
  });

  test('has every panel once, in its place', () => {
    const dashboard = readDashboard(name);
    const ids = [...dashboard.panels, ...dashboard.panels.flatMap(({ panels = [] }) => panels)].map(
      ({ id }) => id,
    );
    expect(new Set(ids).size).toBe(ids.length);
    const cells = new Set<string>();
    for (const { title, gridPos } of panelsOf(dashboard)) {
      const { x, y, w, h } = gridPos;
      expect([title, x + w <= 24]).toEqual([title, true]);
      for (let column = x; column < x + w; column += 1) {
        for (let line = y; line < y + h; line += 1) {
          const cell = `${column}/${line}`;
          expect([title, cells.has(cell)]).toEqual([title, false]);
          cells.add(cell);
        }
      }
    }
  });

  test('links to runbooks that there are', () => {
    for (const { links = [] } of panelsOf(readDashboard(name))) {
      for (const { url } of links) {
        const runbook = new URL(`../../docs/runbooks/${basename(url)}`, import.meta.url);
        expect([url, existsSync(runbook)]).toEqual([url, true]);
      }
    }
  });
});

test('the dashboards have uids, titles and titles of panels within a row of their own, and are small', () => {
  const dashboards = NAMES.map(readDashboard);
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(NAMES.length);
  expect(new Set(dashboards.map(({ title }) => title)).size).toBe(NAMES.length);
  const bytes = NAMES.reduce(
    (sum, name) => sum + readFileSync(new URL(`${name}.json`, DASHBOARDS)).length,
    0,
  );
  expect(bytes).toBeLessThan(MAX_BYTES);
});
