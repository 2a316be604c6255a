import { findPulledLog, putPulledLog } from '@odometer/database/pulled-logs/pulled-logs';
import { listWebhooks } from '@odometer/database/webhooks';
import { pulledLogDeclarationSchema } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import { saysNoTime, webhookDeclarationSchema } from '@odometer/domain/webhook-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const fields = z.record(z.string(), z.unknown());

/** A log that is read page by page; what its items are is said by a webhook. */
export function parsePulledLog(spec: unknown): Parsed {
  const parsed = pulledLogDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(pulledLogDeclarationSchema, parsed.error);
  const { name, ...desired } = parsed.data;
  return {
    label: `PulledLog ${name}`,
    noun: 'pulled-log',
    subject: name,
    desired,
    read: async (db) => {
      const stored = await findPulledLog(db, name);
      if (stored === undefined) return undefined;
      const { name: _name, ...current } = fields.parse(stored.declaration);
      return current;
    },
    refusals: (current) =>
      current.webhook === desired.webhook
        ? []
        : [
            `webhook cannot be changed from ${current.webhook} to ${desired.webhook}, because what was read so far would have other ids and count twice; declare a log under another name`,
          ],
    missing: async (db, declared) => {
      // What the same file says of it is read with it; whoever pulls looks again.
      if (declared.has(`Webhook ${desired.webhook}`)) return [];
      const stored = (await listWebhooks(db)).find(({ name }) => name === desired.webhook);
      if (stored === undefined) {
        return [`there is no webhook ${desired.webhook}, which would say what its items are`];
      }
      const { data: webhook } = webhookDeclarationSchema.safeParse(stored.declaration);
      return webhook !== undefined && saysNoTime(webhook)
        ? [`webhook ${desired.webhook} does not say where the time of an item is (fields.time)`]
        : [];
    },
    write: (transaction) => putPulledLog(transaction, name, parsed.data),
  };
}
