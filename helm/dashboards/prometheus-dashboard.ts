import type { Dashboard } from './dashboard.ts';

/** A variable whose values are those of a label; all of them unless somebody chooses. */
export function labelValues(name: string, label: string, series: string): object {
  const query = `label_values(${series}, ${name})`;
  return {
    name,
    label,
    query: { query, refId: name },
    definition: query,
    includeAll: true,
    multi: true,
    // Also what has no such label: a Prometheus outside Kubernetes knows no namespace.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
    sort: 1,
  };
}

/** A dashboard for who operates Odometer: newest hours, asked again every half minute, each new version marked. */
export function prometheusDashboard(
  dashboard: Pick<Dashboard, 'uid' | 'title' | 'description' | 'rows'> & {
    readonly variables?: readonly object[];
  },
): Dashboard {
  return {
    ...dashboard,
    source: { type: 'prometheus', variable: 'prometheus' },
    from: 'now-3h',
    refresh: '30s',
    variables: [
      labelValues('namespace', 'Namespace', 'odometer_build_info'),
      labelValues('job', 'Job', 'odometer_build_info{namespace=~"$namespace"}'),
      ...(dashboard.variables ?? []),
    ],
    annotations: [
      {
        name: 'New versions',
        enable: true,
        iconColor: 'blue',
        expr: `count by (service, version) (odometer_build_info{${CHOSEN}}) unless count by (service, version) (odometer_build_info{${CHOSEN}} offset 2m)`,
        step: '60s',
        titleFormat: '{{service}} {{version}}',
      },
      {
        name: 'Process starts',
        // Off at first: a deployment starts many at once, and its version is marked anyway.
        enable: false,
        iconColor: 'orange',
        expr: `changes(process_start_time_seconds{${CHOSEN}}[2m]) > 0`,
        step: '60s',
        titleFormat: '{{pod}} {{instance}}',
      },
    ],
  };
}

const CHOSEN = 'namespace=~"$namespace", job=~"$job"';
