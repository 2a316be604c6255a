import type { Pool } from '@odometer/database/pool';
import { type DeclaredProject, findProject } from '@odometer/database/project-declarations';
import { readProjectStats } from '@odometer/database/reading/project-stats';
import type { StatRow } from '@odometer/database/reading/stat-columns';
import type { ProjectName } from '@odometer/database/registry';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import { WINDOW_SIZES } from '@odometer/domain/windows/windows';
import type { Command } from 'commander';
import { instant, projectReference, timeZone, windowSize } from '../arguments.ts';
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
import { readWindowedUsage, type UsageQuestion, usageJson, usageTable } from '../windowed-usage.ts';

type ProjectReference = ProjectName | { readonly id: string };

export function addUsage(program: Command): void {
  addCommand(program, 'usage', 'show what a project has used')
    .argument('<project>', 'ORGANIZATION/PROJECT, or its id', projectReference)
    .option('--from <time>', 'from this time on: 2026-10-01, or RFC 3339; whole seconds', instant)
    .option('--to <time>', 'until this time, which is not in it', instant)
    .option(
      '--window <size>',
      `${WINDOW_SIZES.join(', ').toLowerCase()}: a line for each`,
      windowSize,
    )
    .option('--zone <name>', 'time zone of the windows, Europe/Prague; UTC by default', timeZone)
    .option('--meter <slugs...>', 'only these meters')
    .option('--group-by <dimensions...>', "a line for each value of the meter's dimensions")
    .action(async (reference: ProjectReference, options: UsageQuestion & OutputOptions) => {
      const { json, ...question } = options;
      const { from, to } = question;
      if (from !== undefined && to !== undefined && to <= from) {
        throw new OdometerError('query_invalid', {
          parameter: '--to',
          problem: 'should be after --from',
        });
      }
      if (Object.keys(question).length === 0) await showUsage(reference, json === true);
      else await showWindowedUsage(reference, question, json === true);
    });
}

/** The current month and the lifetime. */
async function showUsage(reference: ProjectReference, json: boolean): Promise<void> {
  const stats = await withPostgres((pool) => readProjectStats(pool, reference, null));
  if (stats === undefined) throw notFound(reference);
  const { id, organizationId, organization, project, month, meters, updatedAt } = stats;
  if (json) {
    return printJson({
      project_id: id,
      organization_id: organizationId,
      organization,
      project,
      month,
      ...figures(stats.figures),
      meters: Object.fromEntries(
        meters.map(({ slug, unit, month, lifetime }) => [
          slug,
          { unit, month: jsonFigure(month ?? '0'), lifetime: jsonFigure(lifetime ?? '0') },
        ]),
      ),
      updated_at: updatedAt,
    });
  }
  const counted = meters
    .filter(({ isLevel }) => !isLevel)
    .map(({ slug, month, lifetime }) => [slug, readable(month), readable(lifetime)]);
  const read = meters
    .filter(({ isLevel }) => isLevel)
    .map(({ slug, lifetime }) => [slug, readable(lifetime)]);
  print(`${organization}/${project} (id ${id})\n`);
  print(table(['counted', month, 'lifetime'], [...counters(stats.figures), ...counted], [1, 2]));
  print(`\n${table(['now', ''], [...gauges(stats.figures), ...read], [1])}`);
  print(`\nas of ${readableTime(updatedAt)}`);
}

/** By windows. */
async function showWindowedUsage(
  reference: ProjectReference,
  question: UsageQuestion,
  json: boolean,
): Promise<void> {
  const { project, usage } = await withPostgres(async (pool) => {
    const project = await knownProject(pool, reference);
    return { project, usage: await readWindowedUsage(pool, project, question) };
  });
  const { organization } = project;
  if (json) printJson({ organization, project: project.project, meters: usageJson(usage) });
  else print(usageTable(usage, question));
}

async function knownProject(pool: Pool, reference: ProjectReference): Promise<DeclaredProject> {
  const project = await findProject(pool, reference);
  if (project === undefined) throw notFound(reference);
  return project;
}

function notFound(reference: ProjectReference): OdometerError {
  return new OdometerError('project_not_found', {
    project: 'id' in reference ? reference.id : `${reference.organization}/${reference.project}`,
  });
}

function figures(stats: StatRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(stats).map(([column, value]) => [column, jsonFigure(value ?? '0')]),
  );
}

const LIFETIME = 'lifetime_';

/** A row for every counter, which is what has a lifetime. */
function counters(stats: StatRow): readonly (readonly string[])[] {
  return Object.keys(stats)
    .filter((column) => column.startsWith(LIFETIME))
    .map((column) => column.slice(LIFETIME.length))
    .map((name) => [name, readable(stats[name]), readable(stats[LIFETIME + name])]);
}

function gauges(stats: StatRow): readonly (readonly string[])[] {
  return Object.keys(stats)
    .filter((column) => /^(total|active|current)_/.test(column))
    .map((column) => [column, readable(stats[column])]);
}

function readable(value: string | null | undefined): string {
  return readableFigure(value ?? '0');
}
