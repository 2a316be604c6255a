import { OdometerError } from '@odometer/domain/errors';

/**
 * The value of an environment variable that a declaration names, as addresses and passwords are in no declaration.
 *
 * @param target for whoever reads the message: `reading sessions`.
 * @throws OdometerError `target_denied` when there is none.
 */
export function declaredVariable(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  target: string,
): string {
  const value = env[name] ?? '';
  if (value === '') {
    const reason = `${name} is not in the environment of this process`;
    throw new OdometerError('target_denied', { target, reason });
  }
  return value;
}
