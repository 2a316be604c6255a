import type { MeterChange, MeterDeclaration } from '@odometer/domain/meter-declaration';
import { lockCatalogue } from '../advisory-locks.ts';
import { recordAudit } from '../audit-log.ts';
import { inTransaction, type Pool, type Transaction } from '../pool.ts';
import { changeMeter } from './change-meter.ts';
import { createMeter } from './create-meter.ts';
import { deleteMeter } from './delete-meter.ts';
import { findMeter, type StoredMeter } from './stored-meter.ts';

/** Creates a meter and records who did. The caller asks for its count back (`dueCountBacks`). */
export function addMeter(
  pool: Pool,
  declaration: MeterDeclaration,
  actor: string,
): Promise<StoredMeter> {
  return underCatalogueLock(pool, async (transaction) => {
    await createMeter(transaction, declaration);
    const { slug, ...detail } = declaration;
    await recordAudit(transaction, { actor, action: 'meter.create', subject: slug, detail });
    return reread(transaction, slug);
  });
}

/** Changes a meter and records who did. */
export function updateMeter(
  pool: Pool,
  slugOrId: string,
  change: MeterChange,
  actor: string,
): Promise<StoredMeter> {
  return underCatalogueLock(pool, async (transaction) => {
    await changeMeter(transaction, slugOrId, change);
    const meter = await reread(transaction, slugOrId);
    await recordAudit(transaction, {
      actor,
      action: 'meter.update',
      subject: meter.slug,
      detail: change,
    });
    return meter;
  });
}

/** Deletes a meter and records who did. @returns its slug. */
export function removeMeter(pool: Pool, slugOrId: string, actor: string): Promise<string> {
  return underCatalogueLock(pool, async (transaction) => {
    const slug = await deleteMeter(transaction, slugOrId);
    await recordAudit(transaction, { actor, action: 'meter.delete', subject: slug });
    return slug;
  });
}

function underCatalogueLock<Result>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  return inTransaction(pool, async (transaction) => {
    await lockCatalogue(transaction);
    return work(transaction);
  });
}

async function reread(transaction: Transaction, slugOrId: string): Promise<StoredMeter> {
  const meter = await findMeter(transaction, slugOrId);
  if (meter === undefined) throw new Error(`meter ${slugOrId} is not there after its change`);
  return meter;
}
