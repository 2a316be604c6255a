/** Every metric that is ours or prom-client's, with the brace that may follow it. */
const METRIC = /\b((?:odometer|nodejs|process)_\w+)(\{)?/g;

/** The query for what the dashboard's variables choose: each metric is asked for with its namespace and job. */
function scoped(query: string): string {
  return query.replace(METRIC, (_, metric: string, brace: string | undefined) => {
    const chosen = `${metric}{namespace=~"$namespace", job=~"$job"`;
    return brace === undefined ? `${chosen}}` : `${chosen}, `;
  });
}

/** A target for each query: what its legend says → the query in PromQL. */
export function prometheus(queries: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(queries).map(([legendFormat, query]) => ({
    expr: scoped(query),
    legendFormat,
    range: true,
  }));
}

/** The same at the end of the range only, as rows of a table. */
export function prometheusNow(query: string): readonly object[] {
  return [{ expr: scoped(query), format: 'table', instant: true }];
}

/** What a heatmap of a histogram asks for. */
export function buckets(histogram: string, labels = ''): readonly object[] {
  const query = `sum by (le) (increase(${histogram}_bucket${labels}[$__rate_interval]))`;
  return [{ expr: scoped(query), format: 'heatmap', legendFormat: '{{le}}', range: true }];
}

/** How much a counter rises in a second, added up over all processes. */
export function perSecond(counter: string, by = ''): string {
  return `sum${by && ` by (${by})`} (rate(${counter}[$__rate_interval]))`;
}

/** How much a counter rises in an interval of the panel, added up over all processes. */
export function perInterval(counter: string, by = ''): string {
  return `sum${by && ` by (${by})`} (increase(${counter}[$__rate_interval]))`;
}

/**
 * The share of requests that were answered with 5xx; nothing while there are none. A class that no answer ever had has no
 * series, which means 0 here.
 */
export function failedShare(counter: string): string {
  const all = perSecond(counter);
  const failed = perSecond(`${counter}{status_class="5xx"}`);
  return `(${failed} or 0 * ${all}) / (${all} > 0)`;
}

/** @param share 0.99: the duration within which 99 of 100 end. */
export function quantile(share: number, histogram: string, by = ''): string {
  const labels = by ? `le, ${by}` : 'le';
  return `histogram_quantile(${share}, sum by (${labels}) (rate(${histogram}_bucket[$__rate_interval])))`;
}

/** The median, and what the slowest twentieth and hundredth take. */
export function quantiles(histogram: string): readonly object[] {
  return prometheus({
    median: quantile(0.5, histogram),
    'of 20 the slowest': quantile(0.95, histogram),
    'of 100 the slowest': quantile(0.99, histogram),
  });
}
