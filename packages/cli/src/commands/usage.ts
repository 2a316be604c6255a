import { findProject } from '@odometer/database/project-declarations';
import {
  type DeclaredMeterUsage,
  type ProjectStats,
  readDeclaredUsage,
  readProjectStats,
} from '@odometer/database/project-usage';
import type { ProjectName } from '@odometer/database/registry';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import type { Command } from 'commander';
import { projectReference } from '../arguments.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';

export function addUsage(program: Command): void {
  addCommand(program, 'usage', 'show what a project has used')
    .argument('<project>', 'ORGANIZATION/PROJECT, or its id', projectReference)
    .action(showUsage);
}

async function showUsage(
  reference: ProjectName | { readonly id: string },
  { json }: OutputOptions,
): Promise<void> {
  const { project, stats, declared } = await withPostgres(async (pool) => {
    const project = await findProject(pool, reference);
    const stats = project === undefined ? undefined : await readProjectStats(pool, project.id);
    if (project === undefined || stats === undefined) {
      throw new OdometerError('project_not_found', {
        project:
          'id' in reference ? reference.id : `${reference.organization}/${reference.project}`,
      });
    }
    return { project, stats, declared: await readDeclaredUsage(pool, project.id) };
  });
  if (json) {
    return printJson({
      organization: project.organization,
      project: project.project,
      ...figures(stats),
      meters: Object.fromEntries(
        declared.map(({ slug, unit, month, lifetime }) => [
          slug,
          { unit, month: jsonFigure(month ?? '0'), lifetime: jsonFigure(lifetime ?? '0') },
        ]),
      ),
    });
  }
  const month = stats.month instanceof Date ? stats.month.toISOString().slice(0, 7) : '';
  print(`${project.organization}/${project.project} (id ${project.id})\n`);
  print(table(['counted', month, 'lifetime'], [...counters(stats), ...declared.map(row)], [1, 2]));
  print(`\n${table(['now', ''], gauges(stats), [1])}`);
  if (stats.updated_at instanceof Date) print(`\nas of ${readableTime(stats.updated_at)}`);
}

/** Ids stay text, as everywhere: they are no figures. */
function figures(stats: ProjectStats): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(stats).map(([column, value]) => [
      column,
      typeof value === 'string' && !column.endsWith('_id') ? jsonFigure(value) : value,
    ]),
  );
}

const LIFETIME = 'lifetime_';

/** A row for every counter, which is what has a lifetime. */
function counters(stats: ProjectStats): readonly (readonly string[])[] {
  return Object.keys(stats)
    .filter((column) => column.startsWith(LIFETIME))
    .map((column) => column.slice(LIFETIME.length))
    .map((name) => [name, readable(stats[name]), readable(stats[LIFETIME + name])]);
}

function row({ slug, month, lifetime }: DeclaredMeterUsage): readonly string[] {
  return [slug, readable(month), readable(lifetime)];
}

function gauges(stats: ProjectStats): readonly (readonly string[])[] {
  return Object.keys(stats)
    .filter((column) => /^(total|active|current)_/.test(column))
    .map((column) => [column, readable(stats[column])]);
}

function readable(value: string | Date | null | undefined): string {
  return typeof value === 'string' ? readableFigure(value) : '0';
}
