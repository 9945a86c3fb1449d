import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import type { XlinkEvent } from '../types/events.js';
import { MODES, type Mode } from '../types/mode.js';
import type { Clock } from '../types/protocol.js';
import { given } from '../util/given.js';
import { ClientHistory } from './client-history.js';
import { FailureCounts } from './failure-counts.js';
import { type Mark, Marks } from './marks.js';
import type { ModeView } from './snapshot.js';
import { TrafficHistory } from './traffic-history.js';

type Watched = Pick<BaseDualModeAdapter, 'mode' | 'modeSince' | 'observe' | 'brownouts'>;

/** Watches an adapter from now on, and keeps what the page shows of it in a fixed amount of memory. */
export class DashboardRecorder {
  readonly history: TrafficHistory;
  readonly failures: FailureCounts;
  readonly clients: ClientHistory;
  readonly observed = { accepted: 0, refused: 0 };
  readonly #marks: Marks;
  readonly #adapter: Watched;
  #sunset: number | undefined;
  /** Modes that were in force since it watches, and those that were stepped over. */
  readonly #passed = new Set<Mode>();
  readonly #skipped = new Set<Mode>();

  constructor(adapter: Watched, clock: Clock) {
    this.#adapter = adapter;
    this.history = new TrafficHistory(clock);
    this.failures = new FailureCounts(clock);
    this.clients = new ClientHistory(clock);
    this.#marks = new Marks(clock);
    this.#marks.noteBrownouts(adapter.brownouts);
    adapter.observe((event) => this.#on(event));
  }

  get mode(): ModeView {
    return {
      current: this.#adapter.mode,
      passed: MODES.filter((mode) => this.#passed.has(mode)),
      skipped: MODES.filter((mode) => this.#skipped.has(mode)),
      ...given({ since: this.#adapter.modeSince, sunset: this.#sunset }),
    };
  }

  get marks(): readonly Mark[] {
    this.#marks.noteBrownouts(this.#adapter.brownouts);
    return this.#marks.all;
  }

  #on(event: XlinkEvent): void {
    this.#marks.note(event);
    this.clients.note(event);
    if (event.type === 'open') this.history.count(event);
    else if (event.type === 'request') {
      if (event.opened === undefined || event.outcome === 'refused') this.history.count(event);
      this.failures.count(event);
    } else if (event.type === 'observed') {
      this.observed[event.reason === 'ok' ? 'accepted' : 'refused'] += 1;
    } else if (event.type === 'mode') {
      this.#sunset = event.sunset;
      const forAll = event.client === undefined && event.route === undefined;
      if (forAll && event.from !== undefined) this.#step(event.from, event.to);
    }
  }

  #step(from: Mode, to: Mode): void {
    this.#passed.add(from);
    for (const mode of MODES.slice(MODES.indexOf(from) + 1, MODES.indexOf(to)))
      if (!this.#passed.has(mode)) this.#skipped.add(mode);
    this.#passed.add(to);
    this.#skipped.delete(to);
  }
}
