import type { KeyEpochEvent } from '../types/events.js';
import { liveGauge, type Source, single } from './live-gauge.js';
import { METRICS } from './metric-table.js';
import type { Series } from './series.js';

/** What a scrape finds depends on when it comes. */
class SecondsTo implements Source {
  /** In ms since 1970. */
  time: number | undefined;
  readonly #sign: 1 | -1;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  read() {
    return single(this.time === undefined ? undefined : (this.#sign * (this.time - Date.now())) / 1000);
  }
}

/** Shows how old the encryption keys are, and when they are replaced. */
export function keyEpochSeries(series: Series): (event: KeyEpochEvent) => void {
  const age = liveGauge(series, METRICS.keyEpochAge, () => new SecondsTo(-1));
  const rotation = liveGauge(series, METRICS.keyEpochRotation, () => new SecondsTo(1));

  return ({ since, rotatesAt }) => {
    age.time = since;
    rotation.time = rotatesAt;
  };
}
