import { listWebhooks, putWebhook } from '@odometer/database/webhooks';
import { webhookDeclarationSchema } from '@odometer/domain/webhook-declaration';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

const fields = z.record(z.string(), z.unknown());

/** A webhook; the schema is the one that ingest-api reads with. */
export function parseWebhook(spec: unknown): Parsed {
  const parsed = webhookDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(webhookDeclarationSchema, parsed.error);
  const declaration = parsed.data;
  const { name, ...desired } = declaration;
  return {
    label: `Webhook ${name}`,
    noun: 'webhook',
    subject: name,
    desired,
    read: async (db) => {
      const stored = (await listWebhooks(db)).find((webhook) => webhook.name === name);
      if (stored === undefined) return undefined;
      const { name: _name, ...current } = fields.parse(stored.declaration);
      return current;
    },
    refusals: () => [],
    write: (transaction) => putWebhook(transaction, name, declaration),
  };
}
