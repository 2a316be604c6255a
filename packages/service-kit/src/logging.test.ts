import { describe, expect, test } from '@jest/globals';
import { OdometerError } from '@odometer/domain/errors';
import { createLogger, type Logger } from './logging.ts';

function capture(act: (log: Logger) => void): {
  readonly text: string;
  readonly line: Record<string, unknown>;
} {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  act(createLogger('tester', 'info', { write }));
  return { text, line: text === '' ? {} : JSON.parse(text) };
}

describe('a log line', () => {
  test('is JSON with time, level, service and the event', () => {
    const { line } = capture((log) =>
      log.warn({ event: 'flush_failed', attempt: 2, seq: 2n ** 60n }),
    );
    expect(line).toMatchObject({
      level: 'warn',
      service: 'tester',
      event: 'flush_failed',
      attempt: 2,
      seq: '1152921504606846976',
    });
    expect(new Date(String(line.time)).getTime()).toBeGreaterThan(0);
  });

  test('unfolds an error with its code, its cause and its stack', () => {
    const cause = new Error('ECONNREFUSED');
    const error = new OdometerError(
      'component_start_failed',
      { component: 'redis', reason: 'x' },
      { cause },
    );
    const { line } = capture((log) => log.error({ event: 'failed', error }));
    expect(line.error).toMatchObject({
      code: 'component_start_failed',
      kind: 'unavailable',
      retry: true,
    });
    expect(JSON.stringify(line.error)).toContain('caused by: Error: ECONNREFUSED');
  });

  test('puts a bare error under `error`', () => {
    const { line } = capture((log) => log.error(new Error('bare')));
    expect(line.error).toMatchObject({ type: 'Error', message: 'bare' });
  });

  test('is not written below the level', () => {
    expect(capture((log) => log.debug({ event: 'detail' })).text).toBe('');
  });

  test('survives cycles', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    expect(capture((log) => log.info({ event: 'odd', cyclic })).line.event).toBe('odd');
  });
});

describe('secrets never appear', () => {
  const hunter = 'hunter2';

  test.each([
    'password',
    'PGPASSWORD',
    'authorization',
    'Authorization',
    'token',
    'access_token',
    'secret',
    'clientSecret',
    'apiKey',
    'API_KEY',
    'x-api-key',
    'secretAccessKey',
    'cookie',
  ])('under the key %s, at any depth', (key) => {
    const { text } = capture((log) =>
      log.info({ event: 'e', [key]: hunter, deep: [{ headers: { [key]: { nested: hunter } } }] }),
    );
    expect(text).not.toContain(hunter);
  });

  test('nor do words like it hide what is no secret', () => {
    const { line } = capture((log) => log.info({ event: 'e', keys: 3, tokens_left: 4, key: 'k' }));
    expect(line).toMatchObject({ keys: 3, tokens_left: 4, key: 'k' });
  });

  test.each([
    `connect redis://:${hunter}@host:6379/0`,
    `postgres://user:${hunter}@host/db`,
    `postgres://user:p@${hunter}@host/db`,
    `host=h password=${hunter} user=u`,
    `GET /x?token=${hunter}&a=1`,
    `Authorization: Bearer ${hunter}`,
  ])('inside the text %s', (message) => {
    const { text } = capture((log) =>
      log
        .child({ target: message })
        .error({ event: 'e', message, error: new Error(message) }, message),
    );
    expect(text).not.toContain(hunter);
    expect(() => JSON.parse(text)).not.toThrow();
  });
});
