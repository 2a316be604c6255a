import type { Pool } from '@odometer/database/pool';
import type { SeededRandom } from '@odometer/testing/seeded-random';

const DAY_MS = 86_400_000;
const MAX_PROJECTS = 14;

export interface Project {
  /** `organization/project` */
  readonly path: string;
  readonly organization: string;
  readonly slug: string;
  /** Null until it is registered; it may be used before. */
  id: string | null;
  organizationId: string;
  /** When it will be, or was, registered. */
  readonly createdAtMs: number;
  archivedAtMs: number | null;
}

/** Organizations and projects that come and go; usage of some comes before they do. */
export class World {
  readonly projects: Project[] = [];
  readonly #organizations = new Map<string, string>();
  readonly #pool: Pool;
  readonly #random: SeededRandom;

  constructor(pool: Pool, random: SeededRandom) {
    this.#pool = pool;
    this.#random = random;
  }

  get organizations(): readonly string[] {
    return [...this.#organizations.keys()];
  }

  /** When the first project was registered. */
  get startMs(): number {
    return Math.min(...this.projects.map(({ createdAtMs }) => createdAtMs));
  }

  organizationId(slug: string): string {
    return this.#organizations.get(slug) ?? '';
  }

  async addOrganization(slug: string, nowMs: number): Promise<void> {
    const { rows } = await this.#pool.query<{ id: string }>(
      'insert into organizations (slug, created_at) values ($1, $2) returning id',
      [slug, new Date(nowMs)],
    );
    this.#organizations.set(slug, rows[0]?.id ?? '');
  }

  /** Plans a project; some are used up to three weeks before they are registered. */
  plan(organization: string, nowMs: number): void {
    if (this.projects.length >= MAX_PROJECTS) return;
    const slug = `p${this.projects.length + 1}`;
    this.projects.push({
      path: `${organization}/${slug}`,
      organization,
      slug,
      id: null,
      organizationId: this.organizationId(organization),
      createdAtMs: nowMs + (this.#random.next() < 0.4 ? this.#random.integer(1, 21) * DAY_MS : 0),
      archivedAtMs: null,
    });
  }

  /** Registers what is due. @returns whether usage may have waited for it. */
  async register(nowMs: number): Promise<boolean> {
    let any = false;
    for (const project of this.projects) {
      if (project.id !== null || project.createdAtMs > nowMs) continue;
      const { rows } = await this.#pool.query<{ id: string }>(
        'insert into projects (organization_id, slug, created_at) values ($1, $2, $3) returning id',
        [project.organizationId, project.slug, new Date(project.createdAtMs)],
      );
      project.id = rows[0]?.id ?? null;
      any = true;
    }
    return any;
  }

  async archive(project: Project, nowMs: number): Promise<void> {
    await this.#pool.query('update projects set archived_at = $2 where id = $1', [
      project.id,
      new Date(nowMs),
    ]);
    project.archivedAtMs = nowMs;
  }

  /** Those in use now. */
  live(): readonly Project[] {
    return this.projects.filter(({ archivedAtMs }) => archivedAtMs === null);
  }
}
