import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction } from '@odometer/database/pool';
import {
  type DeclaredProject,
  declareProject,
  findProject,
  listProjects,
} from '@odometer/database/project-declarations';
import type { ProjectName } from '@odometer/database/registry';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { projectName } from '../arguments.ts';
import { attributeUsage } from '../attribute-usage.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';

export function addProjects(program: Command): void {
  const projects = program.command('projects').description('projects and their organizations');
  addCommand(projects, 'list', 'show all projects').action(list);
  addCommand(projects, 'create', 'register a project, and apply usage that was kept for it')
    .argument('<organization/project>', 'its name', projectName)
    .option('--name <name>', 'a name for people')
    .action(create);
}

async function list({ json }: OutputOptions): Promise<void> {
  const projects = await withPostgres(listProjects);
  if (json) return printJson(projects);
  if (projects.length === 0)
    return print('There are no projects yet: they appear when they are first seen.');
  print(
    table(
      ['id', 'project', 'name', 'origin', 'created'],
      projects.map((project) => [
        project.id,
        `${project.organization}/${project.project}`,
        project.name ?? '',
        project.discovered ? 'discovered' : 'declared',
        readableTime(project.createdAt),
      ]),
    ),
  );
}

async function create(
  project: ProjectName,
  { json, name }: OutputOptions & { readonly name?: string },
): Promise<void> {
  // First of all the connection to Redis: without it the usage that waits for this project would wait on.
  const { registered, before } = await withQueues(async (open) => {
    const result = await withPostgres((pool) =>
      inTransaction(pool, async (transaction) => {
        const before = await findProject(transaction, project);
        await declareProject(transaction, { ...project, name: name ?? before?.name ?? null });
        const registered = await findProject(transaction, project);
        if (registered === undefined)
          throw new Error('the project is not there after its creation');
        if (hasChanged(before, registered)) {
          await recordAudit(transaction, {
            actor: actor(),
            action: before === undefined ? 'project.create' : 'project.update',
            subject: `${project.organization}/${project.project}`,
            detail: { name: registered.name },
          });
        }
        return { registered, before };
      }),
    );
    await attributeUsage(open, [project]);
    return result;
  });
  if (json) return printJson(registered);
  const path = `${project.organization}/${project.project}`;
  if (before === undefined) print(`Project ${path} is registered with id ${registered.id}.`);
  else if (before.discovered)
    print(`Project ${path} (id ${registered.id}), discovered before, is now declared.`);
  else print(`Project ${path} (id ${registered.id}) was registered before.`);
  print('Usage that was kept for it is being applied.');
}

function hasChanged(before: DeclaredProject | undefined, after: DeclaredProject): boolean {
  return before?.discovered !== after.discovered || before.name !== after.name;
}
