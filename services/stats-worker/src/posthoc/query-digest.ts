import { hash } from 'node:crypto';
import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';

/** Of all that a query that runs elsewhere is made of, and of what its columns are taken for. */
export function queryDigest({
  engine,
  sql,
  columns,
  organization,
  athena,
}: PosthocDeclaration): string {
  return hash('sha256', JSON.stringify([engine, sql, columns, organization, athena]));
}
