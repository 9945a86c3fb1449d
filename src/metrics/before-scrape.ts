import { sharedState } from './shared-state.js';

/** Does something whenever somebody looks at a metric of prom-client, in the order in which it was asked for. */
export function beforeScrape(metric: object, work: () => void): void {
  const all = sharedState<(() => void)[]>(metric, 'beforeScrape', () => {
    const list: (() => void)[] = [];
    (metric as { collect?: () => void }).collect = () => {
      for (const one of list) one();
    };
    return list;
  });
  all.push(work);
}
