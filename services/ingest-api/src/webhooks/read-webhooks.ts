import type { Queryable } from '@odometer/database/pool';
import { listWebhooks } from '@odometer/database/webhooks';
import {
  type WebhookDeclaration,
  webhookDeclarationSchema,
} from '@odometer/domain/webhook-declaration';
import type { Logger } from 'pino';

export type WebhooksByName = ReadonlyMap<string, WebhookDeclaration>;

/**
 * Makes the function that reads the declared webhooks. One that this version cannot read, perhaps because a newer one
 * wrote it, is left out and logged, once for each time it changes; the others work.
 */
export function webhookReader(db: Queryable, log: Logger): () => Promise<WebhooksByName> {
  let reported = new Map<string, string>();
  return async () => {
    const webhooks = new Map<string, WebhookDeclaration>();
    const invalid = new Map<string, string>();
    for (const { name, declaration } of await listWebhooks(db)) {
      const parsed = webhookDeclarationSchema.safeParse(declaration);
      if (parsed.success) {
        webhooks.set(name, parsed.data);
        continue;
      }
      const text = JSON.stringify(declaration);
      invalid.set(name, text);
      if (reported.get(name) !== text) {
        const problems = parsed.error.issues.map(
          ({ path, message }) => `${path.join('.')}: ${message}`,
        );
        log.error({ event: 'webhook_declaration_invalid', webhook: name, problems });
      }
    }
    reported = invalid;
    return webhooks;
  };
}
