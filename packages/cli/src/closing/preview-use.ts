import { listMeters } from '@odometer/database/meters/stored-meter';
import type { PreviewedMeter, PreviewedProject } from '@odometer/database/periods/preview';
import type { Queryable } from '@odometer/database/pool';
import { readMonthValues } from '@odometer/database/reading/month-values';

/** What a project used of a meter, by the meter's own rule. */
export interface UsedMeter extends PreviewedMeter {
  /** What a month bills: of a counter the sum, without what is late, of a level its average, of other events their value. */
  readonly used: string;
  readonly isCounter: boolean;
}

/** A previewed project with what it used; distinct values are in it nowhere, for only events tell how many there are. */
export interface UsedProject extends Omit<PreviewedProject, 'meters'> {
  readonly meters: readonly UsedMeter[];
}

/** Says of each meter what was used: the sum of readings, or of what is averaged, is no figure of anything. */
export async function previewUse(
  db: Queryable,
  monthMs: number,
  organizationIds: readonly string[],
  projects: readonly PreviewedProject[],
): Promise<readonly UsedProject[]> {
  const meters = new Map((await listMeters(db)).map((meter) => [meter.slug, meter]));
  const values = new Map(
    (await readMonthValues(db, monthMs, organizationIds)).map((row) => [
      keyOf(row, row.meter),
      row.value,
    ]),
  );
  return projects.map((project) => ({
    ...project,
    meters: project.meters.flatMap((figures): readonly UsedMeter[] => {
      const meter = meters.get(figures.meter);
      if (meter === undefined || meter.aggregation === 'unique_count') return [];
      if (meter.kind === 'counter') return [{ ...figures, used: figures.sum, isCounter: true }];
      const used = values.get(keyOf(project, figures.meter)) ?? figures.average ?? '0';
      return [{ ...figures, used, isCounter: false }];
    }),
  }));
}

function keyOf(
  { organization, project }: { readonly organization: string; readonly project: string },
  meter: string,
): string {
  return `${organization}/${project}/${meter}`;
}
