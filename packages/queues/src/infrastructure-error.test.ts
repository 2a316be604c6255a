import { expect, test } from '@jest/globals';
import { OdometerError } from '@odometer/domain/errors';
import { isInfrastructureError } from './infrastructure-error.ts';

const withCode = (code: string) => Object.assign(new Error('it failed'), { code });

test.each([
  ['Postgres is shutting down', withCode('57P01')],
  ['Postgres is starting', withCode('57P03')],
  ['the connection to Postgres failed', withCode('08006')],
  ['Postgres has no connection left', withCode('53300')],
  ['the disk of Postgres is full', withCode('53100')],
  ['a deadlock', withCode('40P01')],
  ['a serialization failure', withCode('40001')],
  ['a standby after a failover', withCode('25006')],
  ['nobody listens', withCode('ECONNREFUSED')],
  ['nobody listens on any address', new AggregateError([withCode('ECONNREFUSED')], '')],
  ['pg lost its connection', new Error('Connection terminated unexpectedly')],
  ['the pool waited too long', new Error('timeout exceeded when trying to connect')],
  ['ioredis gave up', new Error('Command timed out')],
  ['it is the cause of another error', new Error('wrapped', { cause: withCode('57P01') })],
  ['another queue is away', new OdometerError('queue_unavailable', { queue: 'q', reason: 'r' })],
])('costs no attempt: %s', (_, error) => {
  expect(isInfrastructureError(error)).toBe(true);
});

test.each([
  ['a value out of range', withCode('22003')],
  ['a violated constraint', withCode('23505')],
  ['a missing column', withCode('42703')],
  ['a bug', new TypeError('x is undefined')],
  ['something that is no error', 'ECONNREFUSED'],
  [
    'the deadline',
    new OdometerError('job_deadline_exceeded', { jobId: 'a', queue: 'q', deadlineMs: 1 }),
  ],
  [
    'a target that we measure',
    new OdometerError('target_unavailable', { target: 't', reason: 'r' }),
  ],
])('costs an attempt: %s', (_, error) => {
  expect(isInfrastructureError(error)).toBe(false);
});
