import type { Schedule } from '@odometer/queues/job-schedulers';

/**
 * When the bells ring, in UTC. A bell says nothing but its name: what is due, Postgres knows. So one that is late, lost or
 * rung twice changes nothing, and the next hourly one makes up for it.
 */
export const BELLS: readonly Schedule<'periods'>[] = [
  {
    id: 'hourly',
    recurrence: { pattern: '0 * * * *' },
    longestMs: 3_600_000,
    jobName: 'due',
    payload: { bell: 'hourly' },
  },
  {
    // Everything is measured once an hour; what could not be is tried again within the hour.
    id: 'measure',
    recurrence: { pattern: '5-55/10 * * * *' },
    longestMs: 600_000,
    jobName: 'measure-due',
    payload: { bell: 'measure' },
  },
  {
    id: 'daily',
    recurrence: { pattern: '0 0 * * *' },
    longestMs: 86_400_000,
    jobName: 'due',
    payload: { bell: 'daily' },
  },
  {
    id: 'monthly',
    recurrence: { pattern: '0 0 1 * *' },
    longestMs: 31 * 86_400_000,
    jobName: 'due',
    payload: { bell: 'monthly' },
  },
];
