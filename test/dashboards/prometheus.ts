import type { PrometheusServer } from '../support/prometheus-server.js';
import type { Counts } from './ledger.js';

// What the tests of the dashboard ask of Prometheus beyond an instant query of this moment.

interface Row {
  readonly metric: Record<string, string>;
  readonly value: [time: number, value: string];
}

/** The answer as of a moment: its values by those of its labels, in the order of their names, joined by a space. */
export async function askAt(prometheus: PrometheusServer, promql: string, atMs: number): Promise<Counts> {
  const query = { query: promql, time: String(atMs / 1000) };
  const { result } = await prometheus.api<{ result: Row[] }>('query', query);
  return Object.fromEntries(
    result.map(({ metric, value }) => {
      const labels = Object.entries(metric).filter(([name]) => name !== '__name__');
      return [labels.map(([, text]) => text).join(' '), Number(value[1])];
    }),
  );
}

/** The number of series that a graph of the query shows. Throws what Prometheus says about it. */
export async function seriesOf(
  prometheus: PrometheusServer,
  promql: string,
  fromMs: number,
  untilMs: number,
) {
  const query = {
    query: promql,
    start: String(fromMs / 1000),
    end: String(untilMs / 1000),
    step: '0.5',
  };
  const { result } = await prometheus.api<{ result: unknown[] }>('query_range', query);
  return result.length;
}

/** Waits until every instance of a job was scraped so many times more. */
export async function scrapes(prometheus: PrometheusServer, job: string, times: number): Promise<void> {
  const mode = `xlink_mode{job="${job}",mode="observe"}`;
  for (let left = times; left > 0; left--) {
    const now = Date.now() / 1000;
    await prometheus.until(`a scrape of ${job}`, async () => {
      const at = await prometheus.query(`min(timestamp(${mode}))`);
      return (at[''] ?? 0) > now;
    });
  }
}

/** The mean time between two scrapes of a job within a window, in ms: on a busy machine it is longer than was set. */
export async function meanInterval(
  prometheus: PrometheusServer,
  job: string,
  windowMs: number,
  atMs: number,
) {
  const samples = `min(count_over_time(xlink_mode{job="${job}",mode="observe"}[${windowMs}ms]))`;
  const { '': count = 0 } = await askAt(prometheus, samples, atMs);
  return windowMs / (count - 1);
}
