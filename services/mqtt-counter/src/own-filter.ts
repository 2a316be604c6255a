import { filterProblem, filtersOverlap, type TopicTemplate } from '@odometer/domain/topic-template';

/** What says which part of the traffic is this counter's. */
export interface FilterSettings {
  readonly clientId: string;
  readonly filter: string | undefined;
  readonly filters: string | undefined;
}

/**
 * What this counter subscribes to: all, its one filter, or that of its number among the filters of all counters. The
 * number is the client id's, because the session that the broker keeps under it is one of that filter.
 */
export function ownFilter(settings: FilterSettings, template: TopicTemplate): string {
  const { filter, filters } = settings;
  if (filters === undefined) return filter ?? template.filter;
  return split(filters)[numberOf(settings.clientId) ?? 0] ?? template.filter;
}

/** Sentences on what is wrong with the filters; none when all is well. */
export function filterProblems(
  settings: FilterSettings,
  template: TopicTemplate,
): readonly string[] {
  const { clientId, filter, filters } = settings;
  if (filter !== undefined && filters !== undefined) {
    return ['ODOMETER_MQTT_FILTER and ODOMETER_MQTT_FILTERS exclude each other'];
  }
  if (filter !== undefined) {
    const problem = filterProblem(template, filter);
    return problem === undefined ? [] : [`ODOMETER_MQTT_FILTER: ${problem}`];
  }
  if (filters === undefined) return [];
  const all = split(filters);
  const problems = all.flatMap((each) => {
    const problem = filterProblem(template, each);
    return problem === undefined ? [] : [`"${each}": ${problem}`];
  });
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1)) {
      if (filtersOverlap(one, other)) {
        problems.push(`${one} and ${other} overlap: messages would count twice`);
      }
    }
  }
  const number = numberOf(clientId);
  if (number === undefined || number >= all.length) {
    problems.push(
      `of ${all.length} filter(s) none is that of ${clientId}: ODOMETER_MQTT_CLIENT_ID should end with its number, -0 to -${all.length - 1}`,
    );
  }
  return problems.map((problem) => `ODOMETER_MQTT_FILTERS: ${problem}`);
}

function split(filters: string): readonly string[] {
  return filters.split(',').map((filter) => filter.trim());
}

/** The number at the end of a StatefulSet pod's name. */
function numberOf(clientId: string): number | undefined {
  const digits = /-(\d+)$/.exec(clientId)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
