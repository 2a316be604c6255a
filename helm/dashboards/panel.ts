/** What every panel has, whatever it shows. */
export interface PanelOptions {
  /** Of the 24 columns of a dashboard. */
  readonly width?: number;
  readonly height?: number;
  /** From which value on which colour; green below the first. */
  readonly thresholds?: readonly (readonly [from: number, color: 'yellow' | 'orange' | 'red'])[];
  readonly decimals?: number;
  readonly stacked?: boolean;
  /** Bars instead of lines, for what is counted per interval. */
  readonly bars?: boolean;
  /** Where a share or a level ends. */
  readonly max?: number;
  /** Values below zero mean something: the axis does not begin at 0. */
  readonly signed?: boolean;
  /** What a figure says while nothing answers the query, where that is normal. */
  readonly noValue?: string;
  /** The alert that asks the same question; the panel links to its runbook. */
  readonly alert?: string;
  /** Columns of a table, or figures, with units of their own: a regular expression of their names → Grafana's name of the unit. */
  readonly unitOf?: Readonly<Record<string, string>>;
  /** What turns rows into what is shown. */
  readonly transformations?: readonly object[];
}

/** A panel before it has a place: {@link toDashboard} gives it its id, position and data source. */
export interface Panel {
  readonly type: 'timeseries' | 'stat' | 'table' | 'heatmap' | 'barchart';
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly targets: readonly object[];
  readonly shape: PanelOptions;
  /** What only this type of panel has. */
  readonly custom?: object;
  readonly options: object;
}

const LEGEND = { displayMode: 'list', placement: 'bottom', showLegend: true };

/** How a type of panel shows what its queries return. */
type Look = (shape: PanelOptions, unit: string) => Pick<Panel, 'custom' | 'options'>;

const panel =
  (type: Panel['type'], look: Look, size: PanelOptions = {}) =>
  (
    title: string,
    unit: string,
    description: string,
    targets: readonly object[],
    shape: PanelOptions = {},
  ): Panel => ({
    type,
    title,
    description,
    unit,
    targets,
    shape: { ...size, ...shape },
    ...look(shape, unit),
  });

/** Lines over time. */
export const lines = panel('timeseries', (shape) => ({
  custom: {
    drawStyle: shape.bars ? 'bars' : 'line',
    fillOpacity: shape.bars ? 80 : 10,
    showPoints: 'never',
    ...(shape.stacked ? { stacking: { mode: 'normal', group: 'A' } } : {}),
    ...(shape.thresholds ? { thresholdsStyle: { mode: 'dashed' } } : {}),
  },
  options: {
    legend: { ...LEGEND, calcs: ['lastNotNull', 'max'], displayMode: 'table' },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
}));

/** The newest value, large, green or not. */
export const figure = panel(
  'stat',
  (shape) => ({
    options: {
      colorMode: shape.thresholds ? 'background' : 'none',
      graphMode: 'none',
      textMode: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  }),
  { width: 4, height: 4 },
);

/** How often which value occurred, over time; its target asks for buckets. */
export const heat = panel('heatmap', (_shape, unit) => ({
  options: {
    calculate: false,
    color: { mode: 'scheme', scheme: 'Oranges', steps: 64, exponent: 0.5, fill: 'dark-orange' },
    yAxis: { axisPlacement: 'left', unit },
    cellValues: { unit: 'short' },
    filterValues: { le: 1e-9 },
    legend: { show: false },
    tooltip: { mode: 'single', showColorScale: true, yHistogram: false },
  },
}));

export const table = panel('table', () => ({
  custom: { align: 'auto', filterable: true },
  options: { cellHeight: 'sm', showHeader: true },
}));

/** A bar, or a group of them, for each row; its first column names the row. */
export const bars = panel('barchart', (shape) => ({
  custom: { fillOpacity: 80, axisPlacement: 'auto' },
  options: {
    legend: { ...LEGEND, calcs: [] },
    orientation: 'auto',
    stacking: shape.stacked ? 'normal' : 'none',
    showValue: 'never',
    tooltip: { mode: 'multi', sort: 'desc' },
  },
}));
