import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import type { XlinkEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import { FailureCounts } from './failure-counts.js';
import type { ModeView } from './snapshot.js';
import { TrafficHistory } from './traffic-history.js';

/** Watches an adapter from now on, and keeps what the page shows of it in a fixed amount of memory. */
export class DashboardRecorder {
  readonly history: TrafficHistory;
  readonly failures: FailureCounts;
  readonly observed = { accepted: 0, refused: 0 };
  readonly #adapter: Pick<BaseDualModeAdapter, 'mode' | 'observe'>;
  readonly #clock: Clock;
  #modeSince: number | undefined;
  #sunset: number | undefined;

  constructor(adapter: Pick<BaseDualModeAdapter, 'mode' | 'observe'>, clock: Clock) {
    this.#adapter = adapter;
    this.#clock = clock;
    this.history = new TrafficHistory(clock);
    this.failures = new FailureCounts(clock);
    adapter.observe((event) => this.#on(event));
  }

  get mode(): ModeView {
    return {
      current: this.#adapter.mode,
      ...(this.#modeSince === undefined ? {} : { since: this.#modeSince }),
      ...(this.#sunset === undefined ? {} : { sunset: this.#sunset }),
    };
  }

  #on(event: XlinkEvent): void {
    if (event.type === 'open') this.history.count(event);
    else if (event.type === 'request') {
      if (event.opened === undefined || event.outcome === 'refused') this.history.count(event);
      this.failures.count(event);
    } else if (event.type === 'observed') {
      this.observed[event.reason === 'ok' ? 'accepted' : 'refused'] += 1;
    } else if (event.type === 'mode') {
      this.#sunset = event.sunset;
      const forAll = event.client === undefined && event.route === undefined;
      if (forAll && event.from !== undefined) this.#modeSince = this.#clock();
    }
  }
}
