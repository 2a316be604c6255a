import { readFileSync } from 'node:fs';
import { type Dashboard, toDashboard } from '../../helm/dashboards/dashboard.ts';
import { ingestAndMqtt } from '../../helm/dashboards/ingest-and-mqtt.ts';
import { overview } from '../../helm/dashboards/overview.ts';
import { projectUsage } from '../../helm/dashboards/project-usage.ts';
import { queuesAndWorkers } from '../../helm/dashboards/queues-and-workers.ts';
import { storageAndPeriods } from '../../helm/dashboards/storage-and-periods.ts';

const SOURCES: Readonly<Record<string, Dashboard>> = {
  overview,
  'ingest-and-mqtt': ingestAndMqtt,
  'queues-and-workers': queuesAndWorkers,
  'storage-and-periods': storageAndPeriods,
  'project-usage': projectUsage,
};

/** Where the chart has its dashboards. */
export const DASHBOARDS = new URL('../../helm/odometer/files/dashboards/', import.meta.url);

/** Names of the dashboards' files. */
export const NAMES: readonly string[] = Object.keys(SOURCES);

/** The text of a dashboard's file as its source makes it: a line for each panel, so that a change can be reviewed. */
export function generate(name: string): string {
  const source = SOURCES[name];
  if (source === undefined) throw new RangeError(`no dashboard ${name}`);
  const { panels, ...rest } = toDashboard(source);
  const lines = panels.map((panel) => JSON.stringify(panel)).join(',\n');
  return `${JSON.stringify(rest).slice(0, -1)},"panels":[\n${lines}\n]}\n`;
}

/** What the tests ask of a panel as Grafana knows it. */
export interface PanelModel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string };
    readonly overrides: readonly { readonly matcher: { readonly options: string } }[];
  };
  readonly links?: readonly { readonly url: string }[];
  readonly targets?: readonly TargetModel[];
  readonly panels?: readonly PanelModel[];
}

export interface TargetModel {
  readonly refId: string;
  readonly expr?: string;
  readonly rawSql?: string;
  readonly format?: string;
  readonly legendFormat?: string;
}

export interface DashboardModel {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly PanelModel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: unknown;
    }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] };
}

/** A dashboard as it is committed. */
export function readDashboard(name: string): DashboardModel {
  return JSON.parse(readFileSync(new URL(`${name}.json`, DASHBOARDS), 'utf8'));
}

/** Its panels, those of folded rows too, without the rows themselves. */
export function panelsOf({ panels }: DashboardModel): readonly PanelModel[] {
  return panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}
