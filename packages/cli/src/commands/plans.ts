import { findPlan, listPlans, type Plan } from '@odometer/database/limits/plans';
import { OdometerError } from '@odometer/domain/errors';
import type { Command } from 'commander';
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

export function addPlans(program: Command): void {
  const plans = program
    .command('plans')
    .description('plans and their limits; `odometer apply` declares them');
  addCommand(plans, 'list', 'show the newest version of each plan').action(list);
  addCommand(plans, 'show', 'show a plan with its limits')
    .argument('<slug>', 'its slug')
    .action(show);
}

async function list({ json }: OutputOptions): Promise<void> {
  const plans = await withPostgres(listPlans);
  if (json) return printJson(plans.map(planJson));
  if (plans.length === 0) return print('There are no plans. `odometer apply` declares them.');
  print(
    table(
      ['plan', 'name', 'version', 'since', 'currency', 'limits'],
      plans.map((plan) => [
        plan.slug,
        plan.name ?? '',
        String(plan.version),
        readableTime(plan.validFrom),
        plan.currency,
        String(plan.limits.length),
      ]),
      [2, 5],
    ),
  );
}

async function show(slug: string, { json }: OutputOptions): Promise<void> {
  const plan = await withPostgres((pool) => findPlan(pool, slug));
  if (plan === undefined) throw new OdometerError('plan_not_found', { plan: slug });
  if (json) return printJson(planJson(plan));
  const { name, version, validFrom, currency } = plan;
  print(`${name ?? slug}, version ${version}, in force since ${readableTime(validFrom)}\n`);
  print(
    table(
      ['meter', 'per', 'included', '', `price per unit (minor units of ${currency})`],
      plan.limits.map(({ meter, scope, included, hard, pricePerUnit }) => [
        meter,
        scope,
        included === null ? 'unlimited' : readableFigure(included),
        hard ? 'hard' : '',
        pricePerUnit ?? '',
      ]),
      [2, 4],
    ),
  );
}

function planJson({ limits, ...plan }: Plan) {
  return {
    ...plan,
    limits: limits.map((limit) => ({ ...limit, included: limit.included ?? 'unlimited' })),
  };
}
