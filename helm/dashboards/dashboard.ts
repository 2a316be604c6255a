import type { Panel } from './panel.ts';

/** Panels under a heading; they flow from left to right into as many lines as they need. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Folded until somebody opens it: its queries cost nothing before. */
  readonly isFolded?: boolean;
}

export interface Dashboard {
  /** Stable: links and bookmarks hold it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** The data source that its panels ask. */
  readonly source: { readonly type: string; readonly variable: string };
  /** Besides the one that chooses the data source. */
  readonly variables: readonly object[];
  readonly annotations: readonly object[];
  /** Which stretch it shows at first, and how often it asks again. */
  readonly from: string;
  readonly refresh: string;
  readonly rows: readonly Row[];
}

/** Where the runbooks are; the chart puts `monitoring.runbookUrl` in its place. */
export const RUNBOOKS = 'https://github.com/odometer-metering/odometer/blob/main/docs/runbooks';

const COLUMNS = 24;

/** The JSON model of a dashboard, as Grafana imports it. */
export function toDashboard(dashboard: Dashboard) {
  const { uid, title, description, source, variables, annotations, from, refresh } = dashboard;
  const datasource = { type: source.type, uid: `\${${source.variable}}` };
  return {
    uid,
    title,
    description,
    tags: ['odometer'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    // Days and months of Odometer are those of UTC.
    timezone: 'utc',
    time: { from, to: 'now' },
    refresh,
    links: [
      {
        type: 'dashboards',
        title: 'Odometer',
        tags: ['odometer'],
        asDropdown: true,
        keepTime: true,
        includeVars: true,
      },
    ],
    templating: {
      list: [
        {
          name: source.variable,
          type: 'datasource',
          label: 'Data source',
          query: source.type,
          current: {},
        },
        ...variables.map((variable) => ({ type: 'query', datasource, refresh: 2, ...variable })),
      ],
    },
    annotations: { list: annotations.map((annotation) => ({ datasource, ...annotation })) },
    panels: placeRows(dashboard.rows, datasource),
  };
}

function placeRows(rows: readonly Row[], datasource: object): readonly object[] {
  const placed: object[] = [];
  let id = 0;
  let y = 0;
  for (const { title, panels, isFolded = false } of rows) {
    id += 1;
    const heading = { id, type: 'row', title, gridPos: { x: 0, y, w: COLUMNS, h: 1 } };
    y += 1;
    let x = 0;
    let lineHeight = 0;
    const inRow = panels.map((panel) => {
      const { width: w = 8, height: h = 8 } = panel.shape;
      if (x + w > COLUMNS) {
        x = 0;
        y += lineHeight;
        lineHeight = 0;
      }
      id += 1;
      const gridPos = { x, y, w, h };
      x += w;
      lineHeight = Math.max(lineHeight, h);
      return { id, gridPos, datasource, ...panelModel(panel) };
    });
    y += lineHeight;
    if (isFolded) placed.push({ ...heading, collapsed: true, panels: inRow });
    else placed.push({ ...heading, collapsed: false, panels: [] }, ...inRow);
  }
  return placed;
}

function panelModel({ type, title, description, unit, targets, shape, custom, options }: Panel) {
  const { thresholds, decimals, max, signed, noValue, alert, unitOf = {}, transformations } = shape;
  const steps = [{ color: 'green', value: null as number | null }].concat(
    (thresholds ?? []).map(([value, color]) => ({ color, value })),
  );
  return {
    type,
    title,
    description,
    fieldConfig: {
      defaults: {
        unit,
        ...(decimals === undefined ? {} : { decimals }),
        ...(type === 'timeseries' && !signed ? { min: 0 } : {}),
        ...(max === undefined ? {} : { max }),
        ...(noValue === undefined ? {} : { noValue }),
        ...(thresholds ? { thresholds: { mode: 'absolute', steps } } : {}),
        ...(thresholds && type !== 'timeseries' ? { color: { mode: 'thresholds' } } : {}),
        ...(custom ? { custom } : {}),
      },
      overrides: Object.entries(unitOf).map(([names, value]) => ({
        matcher: { id: 'byRegexp', options: names },
        properties: [{ id: 'unit', value }],
      })),
    },
    options,
    targets: targets.map((target, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      ...target,
    })),
    ...(transformations ? { transformations } : {}),
    ...(alert
      ? {
          links: [
            { title: `Runbook: ${alert}`, url: `${RUNBOOKS}/${alert}.md`, targetBlank: true },
          ],
        }
      : {}),
  };
}
