import { OdometerError } from '@odometer/domain/errors';

/**
 * What `work` comes to, unless that takes too long; it goes on all the same.
 *
 * @throws OdometerError `ingest_unavailable` after the deadline
 */
export async function withinDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const reason = `storage has not confirmed within ${deadlineMs} ms`;
      reject(new OdometerError('ingest_unavailable', { reason }));
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
