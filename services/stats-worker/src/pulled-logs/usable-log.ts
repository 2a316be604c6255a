import type { Queryable } from '@odometer/database/pool';
import { listWebhooks } from '@odometer/database/webhooks';
import { OdometerError } from '@odometer/domain/errors';
import {
  type PulledLogDeclaration,
  pulledLogDeclarationSchema,
} from '@odometer/domain/pulled-logs/pulled-log-declaration';
import {
  saysNoTime,
  type WebhookDeclaration,
  webhookDeclarationSchema,
} from '@odometer/domain/webhook-declaration';
import { pulledLogTarget } from './fetch-page.ts';

/**
 * A log as it is declared now, and the webhook that says what its items are.
 *
 * @throws OdometerError `target_invalid`
 */
export async function usableLog(
  db: Queryable,
  name: string,
  stored: unknown,
): Promise<{ readonly declaration: PulledLogDeclaration; readonly webhook: WebhookDeclaration }> {
  const invalid = (reason: string) =>
    new OdometerError('target_invalid', { target: pulledLogTarget(name), reason });
  const { data: declaration } = pulledLogDeclarationSchema.safeParse(stored);
  if (declaration === undefined) throw invalid('it is declared by another version');
  const found = (await listWebhooks(db)).find((each) => each.name === declaration.webhook);
  if (found === undefined) throw invalid(`there is no webhook ${declaration.webhook}`);
  const { data: webhook } = webhookDeclarationSchema.safeParse(found.declaration);
  if (webhook === undefined) {
    throw invalid(`webhook ${declaration.webhook} is declared by another version`);
  }
  if (saysNoTime(webhook)) {
    throw invalid(`webhook ${declaration.webhook} does not say where the time of an item is`);
  }
  return { declaration, webhook };
}
