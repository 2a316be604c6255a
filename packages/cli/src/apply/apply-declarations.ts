import { lockCatalogue } from '@odometer/database/advisory-locks';
import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import type { Declaration } from './declaration.ts';
import { difference, type FieldChange } from './difference.ts';

/** What applying a declaration does, or would do. */
export interface Change {
  readonly declaration: Declaration;
  readonly action: 'create' | 'update' | 'unchanged';
  readonly fields: readonly FieldChange[];
}

/**
 * Makes the declared things so: all of them, each with its entry in the audit log, or none. What is so already is not
 * touched, so applying a file twice is applying it once.
 *
 * @param options.dryRun only finds out what would change.
 * @throws OdometerError `declaration_invalid` with every change that is refused.
 */
export async function applyDeclarations(
  pool: Pool,
  declarations: readonly Declaration[],
  options: { readonly file: string; readonly dryRun: boolean; readonly actor: string },
): Promise<readonly Change[]> {
  return inTransaction(pool, async (transaction) => {
    // Before anything else, as the lock order demands, and before it is read what the meters are.
    if (!options.dryRun && declarations.some((each) => each.changesCatalogue)) {
      await lockCatalogue(transaction);
    }
    const changes = await planChanges(transaction, declarations, options.file);
    if (options.dryRun) return changes;
    for (const { declaration, action, fields } of changes) {
      if (action === 'unchanged') continue;
      await declaration.write(transaction);
      await recordAudit(transaction, {
        actor: options.actor,
        action: `${declaration.noun}.${action}`,
        subject: declaration.subject,
        detail: Object.fromEntries(fields.map(({ field, ...change }) => [field, change])),
      });
    }
    await refuseTogether(transaction, declarations, options.file);
    return changes;
  });
}

async function planChanges(
  transaction: Transaction,
  declarations: readonly Declaration[],
  file: string,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const refusals: string[] = [];
  const declared = labelsOf(declarations);
  for (const declaration of declarations) {
    const current = await declaration.read(transaction);
    const fields = difference(current, declaration.desired);
    const action = current === undefined ? 'create' : fields.length > 0 ? 'update' : 'unchanged';
    if (current !== undefined && action === 'update') {
      const reasons = await declaration.refusals(current, transaction);
      refusals.push(...reasons.map((reason) => `  ${declaration.label}: ${reason}`));
    }
    const missing = (await declaration.missing?.(transaction, declared)) ?? [];
    refusals.push(...missing.map((reason) => `  ${declaration.label}: ${reason}`));
    changes.push({ declaration, action, fields });
  }
  refuse(refusals, file);
  return changes;
}

/** What one declaration has against another one of the same file shows only once both are written. */
async function refuseTogether(
  transaction: Transaction,
  declarations: readonly Declaration[],
  file: string,
): Promise<void> {
  const declared = labelsOf(declarations);
  const refusals: string[] = [];
  for (const { label, missing } of declarations) {
    const reasons = (await missing?.(transaction, declared)) ?? [];
    refusals.push(...reasons.map((reason) => `  ${label}: ${reason}`));
  }
  refuse(refusals, file);
}

function labelsOf(declarations: readonly Declaration[]): ReadonlySet<string> {
  return new Set(declarations.flatMap(({ label, provides = label }) => [label, provides]));
}

function refuse(refusals: readonly string[], file: string): void {
  if (refusals.length === 0) return;
  throw new OdometerError('declaration_invalid', {
    file,
    count: refusals.length,
    problems: refusals.join('\n'),
  });
}
