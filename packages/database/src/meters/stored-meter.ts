import type { Aggregation, MeterKind } from '@odometer/domain/meters';
import type { Queryable } from '../pool.ts';

/** A meter of the catalogue. */
export interface StoredMeter {
  readonly id: number;
  readonly slug: string;
  readonly name: string | null;
  readonly description: string | null;
  /** Whatever its owner wants to remember of it. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly kind: MeterKind;
  readonly unit: string;
  /** Null for a meter that events do not feed. */
  readonly eventType: string | null;
  readonly aggregation: Aggregation;
  /** JSON path of the value; null when the meter counts events. */
  readonly valuePath: string | null;
  /** Dimension name → JSON path. */
  readonly groupBy: Readonly<Record<string, string>>;
  /** Its one source: `events`, or who counts or reads it. */
  readonly owner: string;
  readonly builtIn: boolean;
  /** Events that came before it are still being counted. */
  readonly countingBack: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const COLUMNS = `id, slug, name, description, metadata, kind, unit, event_type as "eventType", aggregation,
  value_path as "valuePath", group_by as "groupBy", owner, built_in as "builtIn", counted_back_at is null as "countingBack",
  created_at as "createdAt", updated_at as "updatedAt"`;

/** All meters, the built-in ones first. */
export async function listMeters(db: Queryable): Promise<readonly StoredMeter[]> {
  const { rows } = await db.query<StoredMeter>(`select ${COLUMNS} from meters order by id`);
  return rows;
}

/** A meter by its slug, or by its id. */
export async function findMeter(db: Queryable, slugOrId: string): Promise<StoredMeter | undefined> {
  const { rows } = await db.query<StoredMeter>(
    `select ${COLUMNS} from meters where slug = $1 or id::text = $1 order by slug = $1 desc limit 1`,
    [slugOrId],
  );
  return rows[0];
}
