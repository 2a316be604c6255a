import type { Grouping, MeterQuery, NamedSubject } from '@odometer/database/query/meter-query';
import type { QueriedMeter } from '@odometer/database/query/queried-meter';
import { OdometerError } from '@odometer/domain/errors';
import { parseSubject } from '@odometer/domain/subject';
import { requireOrganization } from '../http/own-organization.ts';
import type { Caller } from '../http/route.ts';
import type { Question } from './question-schema.ts';

const utc = (atMs: number): number => atMs;

/** Whose subject a bare project is, as where events are taken in. */
const DEFAULT_ORGANIZATION = 'default';

/**
 * What is asked of a meter, as OpenMeter means it: subjects and customers filter and group.
 *
 * @throws OdometerError `query_invalid` with the parameter's name; `organization_forbidden`.
 */
export function readQuestion(question: Question, meter: QueriedMeter, caller: Caller): MeterQuery {
  const { windowSize, windowTimeZone, subject = [], filterCustomerId = [] } = question;
  const { from: fromMs = null, to: toMs = null } = question;
  if (fromMs !== null && toMs !== null && toMs <= fromMs) {
    throw invalid('to', 'should be after from');
  }
  for (const organization of filterCustomerId) requireOrganization(caller, organization);
  return {
    meter,
    organization: caller.organization,
    fromMs,
    toMs,
    window: windowSize === undefined ? null : { size: windowSize, clock: windowTimeZone ?? utc },
    subjects: subject.length === 0 ? null : namedSubjects(subject, caller),
    organizations: filterCustomerId.length === 0 ? null : filterCustomerId,
    groupBy: groupings(question, meter),
    filters: filtersOf(question, meter),
  };
}

/** A subject that no event can have names nobody: that is no error, there just is no usage. */
function namedSubjects(labels: readonly string[], caller: Caller): readonly NamedSubject[] {
  return [...new Set(labels)].flatMap((label) => {
    const owner = parseSubject(label, caller.organization ?? DEFAULT_ORGANIZATION);
    if (typeof owner === 'string') return [];
    requireOrganization(caller, owner.organization);
    return [{ ...owner, label }];
  });
}

function groupings(question: Question, meter: QueriedMeter): readonly Grouping[] {
  const names = new Set(question.groupBy);
  if (question.subject?.length) names.add('subject');
  if (question.filterCustomerId?.length) names.add('customer_id');
  return Array.from(names, (name): Grouping => {
    if (name === 'subject') return { by: 'subject' };
    if (name === 'customer_id') return { by: 'organization' };
    requireDimension('groupBy', name, meter);
    return { by: 'dimension', name };
  });
}

function filtersOf(question: Question, meter: QueriedMeter): MeterQuery['filters'] {
  const { filterGroupBy = {}, advancedMeterGroupByFilters = {} } = question;
  const simple = Object.entries(filterGroupBy).filter(([, values]) => values.length > 0);
  const advanced = Object.entries(advancedMeterGroupByFilters);
  if (simple.length > 0 && advanced.length > 0) {
    throw invalid('filterGroupBy', 'cannot be used together with advancedMeterGroupByFilters');
  }
  for (const [name] of simple) requireDimension('filterGroupBy', name, meter);
  for (const [name] of advanced) requireDimension('advancedMeterGroupByFilters', name, meter);
  return [...simple.map(([name, $in]) => [name, { $in }] as const), ...advanced];
}

function requireDimension(parameter: string, name: string, { groupBy }: QueriedMeter): void {
  if (Object.hasOwn(groupBy, name)) return;
  const known = Object.keys(groupBy).sort().join(', ');
  throw invalid(
    parameter,
    `${JSON.stringify(name.slice(0, 64))} is no dimension of this meter; it has ${known === '' ? 'none' : known}`,
  );
}

function invalid(parameter: string, problem: string): OdometerError {
  return new OdometerError('query_invalid', { parameter, problem });
}
