import { sharedState } from './shared-state.js';

/** Runs functions before each read of a metric of prom-client, in the order in which they were added. */
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
