import type { Pool } from '@odometer/database/pool';

/** Looks at periods and adjustments while the year goes on: what may only be seen then. */
export class WatchedPeriods {
  readonly violations: string[] = [];
  readonly #pool: Pool;
  readonly #manifests = new Map<string, string>();
  #lastAdjustment = '0';

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Call it while nobody writes. */
  async look(): Promise<void> {
    const adjustments = await this.#pool.query<{ id: string; wrong: string | null }>(
      `select a.id, case
         when c.state is null or c.state = 'draft' then 'is of a month that is ' || coalesce(c.state, 'open')
         when b.state in ('closing', 'final') then 'is billed in a month that is ' || b.state
       end as wrong
       from usage_adjustments a
       left join periods c on c.organization_id = a.organization_id and c.month = date_trunc('month', a.hour, 'UTC')
       left join periods b on b.organization_id = a.organization_id and b.month = a.billed_month
       where a.id > $1 order by a.id`,
      [this.#lastAdjustment],
    );
    for (const { id, wrong } of adjustments.rows) {
      this.#lastAdjustment = id;
      if (wrong !== null) this.violations.push(`adjustment ${id} ${wrong}`);
    }
    const manifests = await this.#pool.query<{ period: string; manifest: string }>(
      `select organization_id || ' ' || month as period, manifest::text || final_at as manifest
       from periods where state = 'final'`,
    );
    for (const { period, manifest } of manifests.rows) {
      const before = this.#manifests.get(period) ?? manifest;
      if (before !== manifest) this.violations.push(`the manifest of ${period} has changed`);
      this.#manifests.set(period, before);
    }
  }
}
