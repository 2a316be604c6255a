import { hash, randomBytes } from 'node:crypto';
import { type ApiKey, createApiKey, revokeApiKey, type Scope } from '@odometer/database/api-keys';
import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { actor } from './actor.ts';

/** Makes a key and records who did. The secret is nowhere but in what is returned. */
export async function makeKey(
  pool: Pool,
  {
    name,
    scopes,
    organization,
  }: {
    readonly name: string;
    readonly scopes: readonly Scope[];
    readonly organization: string | null;
  },
): Promise<{ readonly key: ApiKey; readonly secret: string }> {
  // 256 bits: nobody guesses it, so a plain SHA-256 keeps it as well as a slow hash would.
  const secret = `odo_${randomBytes(32).toString('base64url')}`;
  const wanted = { name, hash: hash('sha256', secret), organization, scopes: [...new Set(scopes)] };
  const key = await inTransaction(pool, async (transaction) => {
    const created = await createApiKey(transaction, wanted);
    await recordAudit(transaction, {
      actor: actor(),
      action: 'api_key.create',
      subject: created.id,
      detail: { name, organization, scopes: wanted.scopes },
    });
    return created;
  });
  return { key, secret };
}

/** Revokes a key. @throws OdometerError `api_key_not_found`: it does not exist, or is revoked already. */
export async function endKey(pool: Pool, id: string): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    const revoked = await revokeApiKey(transaction, id);
    if (!revoked) throw new OdometerError('api_key_not_found', { id });
    await recordAudit(transaction, { actor: actor(), action: 'api_key.revoke', subject: id });
  });
}
