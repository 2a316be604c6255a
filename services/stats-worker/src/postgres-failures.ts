/** SQLSTATE of a failed statement, when the failure came from Postgres. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string')
    return undefined;
  return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/**
 * Whether the data was refused (class 22, data exception; 23, a constraint; 54, a limit): trying the same again ends the
 * same, so somebody's item must be taken out. Unique violations are left out: they are races, and pass.
 */
export function isDataError(error: unknown): boolean {
  if (error instanceof RangeError) return true;
  const state = sqlState(error);
  return state !== undefined && /^(22|23|54)/.test(state) && state !== '23505';
}

/** Whether two transactions got in each other's way (serialization failure, deadlock): the same again succeeds. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}
