import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createRegistry, gauge, integerCounter, labelled } from './metrics.ts';

describe('the registry', () => {
  test("has Node's metrics and says which build this is", async () => {
    const text = await createRegistry('tester').metrics();
    expect(text).toMatch(/^odometer_build_info\{service="tester",version="\d+\.\d+\.\d+"\} 1$/m);
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  test('is a fresh one for each caller', () => {
    expect(() => [createRegistry('a'), createRegistry('a')]).not.toThrow();
  });
});

describe('integerCounter', () => {
  test('shows the integer as it is at each scrape', async () => {
    const registry = new Registry();
    const state = { messages: 0 };
    const name = 'odometer_test_messages_total';
    integerCounter({ name, help: 'h', registry, read: () => state.messages });
    expect(await registry.metrics()).toContain(`${name} 0\n`);
    state.messages = 3;
    expect(await registry.metrics()).toContain(`${name} 3\n`);
    expect(await registry.metrics()).toContain(`${name} 3\n`);
  });

  test('shows nothing while nobody knows: a zero would look like a restart of what it counts', async () => {
    const registry = new Registry();
    const state: { rows: number | undefined } = { rows: undefined };
    const name = 'odometer_test_rows_total';
    integerCounter({ name, help: 'h', registry, read: () => state.rows });
    expect(await registry.metrics()).not.toMatch(/^odometer_test_rows_total/m);
    state.rows = 5;
    expect(await registry.metrics()).toContain(`${name} 5\n`);
  });

  test('shows one series for each set of labels', async () => {
    const registry = new Registry();
    const byReason = new Map([
      ['empty', 2],
      ['too_long', 0],
    ]);
    integerCounter({
      name: 'odometer_test_rejected_total',
      help: 'h',
      registry,
      labelNames: ['reason'],
      read: () => [...byReason].map(([reason, count]) => [{ reason }, count] as const),
    });
    byReason.set('empty', 5);
    const text = await registry.metrics();
    expect(text).toContain('odometer_test_rejected_total{reason="empty"} 5');
    expect(text).toContain('odometer_test_rejected_total{reason="too_long"} 0');
  });
});

describe('gauge', () => {
  test('shows the value at each scrape, and nothing while nobody knows it', async () => {
    const registry = new Registry();
    const state: { bytes?: number } = {};
    const name = 'odometer_test_bytes';
    gauge({ name, help: 'h', registry, read: () => state.bytes });
    expect(await registry.metrics()).not.toMatch(/^odometer_test_bytes/m);
    state.bytes = 7;
    expect(await registry.metrics()).toContain(`${name} 7\n`);
    delete state.bytes;
    expect(await registry.metrics()).not.toMatch(/^odometer_test_bytes/m);
  });

  test('forgets a set of labels that is gone', async () => {
    const registry = new Registry();
    const states: Record<string, number> = { draft: 2, closing: 1 };
    gauge({
      name: 'odometer_test_periods',
      help: 'h',
      registry,
      labelNames: ['state'],
      read: () => labelled('state', states),
    });
    expect(await registry.metrics()).toContain('odometer_test_periods{state="draft"} 2');
    delete states.draft;
    const text = await registry.metrics();
    expect(text).not.toContain('draft');
    expect(text).toContain('odometer_test_periods{state="closing"} 1');
  });
});
