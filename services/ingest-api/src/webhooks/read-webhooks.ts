import type { Queryable } from '@odometer/database/pool';
import { listWebhooks } from '@odometer/database/webhooks';
import {
  type WebhookDeclaration,
  webhookDeclarationSchema,
} from '@odometer/domain/webhook-declaration';
import type { Logger } from 'pino';

export type WebhooksByName = ReadonlyMap<string, WebhookDeclaration>;

/**
 * The declared webhooks. One that this version cannot read, perhaps because a newer one wrote it, is left out and
 * logged; the others work.
 */
export async function readWebhooks(db: Queryable, log: Logger): Promise<WebhooksByName> {
  const webhooks = new Map<string, WebhookDeclaration>();
  for (const { name, declaration } of await listWebhooks(db)) {
    const parsed = webhookDeclarationSchema.safeParse(declaration);
    if (parsed.success) webhooks.set(name, parsed.data);
    else log.error({ event: 'webhook_declaration_invalid', webhook: name, error: parsed.error });
  }
  return webhooks;
}
