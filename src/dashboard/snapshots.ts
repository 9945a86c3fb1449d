import { defaultProvider } from '#provider';
import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { isXlinkError, toXlinkError } from '../errors/errors.js';
import type { Clock } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { within } from '../util/deadline.js';
import { given } from '../util/given.js';
import { clientDetail } from './client-detail.js';
import { ClientDirectory, type NoClientsView } from './client-directory.js';
import { type DashboardOptions, DEFAULT_REFRESH_MS } from './options.js';
import { planView } from './plan-view.js';
import { DashboardRecorder } from './recorder.js';
import type { AdoptionView, DashboardSnapshot, ProcessView } from './snapshot.js';
import type { ClientsQuery } from './view-query.js';

/** How long the client store may take before the page goes on without it. */
const STORE_LIMIT_MS = 5000;

type Shared = Omit<DashboardSnapshot, 'clients' | 'client'> & {
  readonly directory: ClientDirectory | NoClientsView;
};

/** What is shared until the next one. */
interface Round {
  readonly at: number;
  readonly made: Promise<Shared>;
}

/** Makes snapshots, and shares the work among all who look within `refreshMs`. */
export class Snapshots {
  readonly #adapter: BaseDualModeAdapter;
  readonly #options: DashboardOptions<never>;
  readonly #clock: Clock;
  readonly #watch: DashboardRecorder;
  readonly #process: ProcessView;
  #shared: Round | undefined;
  /** A store that does not answer is not asked again before it does. */
  #asking: Promise<ClientDirectory> | undefined;

  constructor(adapter: BaseDualModeAdapter, options: DashboardOptions<never>) {
    this.#adapter = adapter;
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#watch = new DashboardRecorder(adapter, this.#clock);
    const { process } = globalThis as { process?: { pid?: number } };
    this.#process = {
      id: encodeBase64url(defaultProvider().randomBytes(6)),
      ...(process?.pid === undefined ? {} : { pid: process.pid }),
      since: this.#watch.history.since,
    };
  }

  /** What the page shows to somebody who asks for this. */
  async snapshot(query: ClientsQuery): Promise<DashboardSnapshot> {
    const { directory, ...rest } = await this.#current().made;
    if (!(directory instanceof ClientDirectory)) return { ...rest, clients: directory };
    return { ...rest, clients: directory.view(query), ...this.#opened(directory, query.client) };
  }

  /** All clients, or why there are none. */
  async directory(): Promise<ClientDirectory | NoClientsView> {
    return (await this.#current().made).directory;
  }

  #opened(directory: ClientDirectory, id: string | undefined): Pick<DashboardSnapshot, 'client'> {
    if (id === undefined) return {};
    const report = directory.find(id);
    if (!report) return { client: 'unknown' };
    const mode = this.#adapter.modeOf({ client: report.client });
    return { client: clientDetail(report, id, mode, this.#watch.clients) };
  }

  #current(): Round {
    const now = this.#clock();
    const { refreshMs = DEFAULT_REFRESH_MS } = this.#options;
    // A little less than the time between two questions of one page, or it would see each snapshot twice.
    const fresh = this.#shared && Math.abs(now - this.#shared.at) < refreshMs * 0.9;
    if (!this.#shared || !fresh) this.#shared = { at: now, made: this.#make() };
    return this.#shared;
  }

  async #make(): Promise<Shared> {
    const directory = await this.#clients();
    const { history, failures, observed, mode, marks } = this.#watch;
    const { plan, refreshMs = DEFAULT_REFRESH_MS } = this.#options;
    return {
      generatedAt: this.#clock(),
      refreshMs,
      process: this.#process,
      mode,
      plan: !plan ? 'not-given' : plan.latest ? planView(plan.latest) : 'waiting',
      adoption: this.#adoption(),
      totals: history.totals,
      observed: { ...observed },
      ranges: {
        minutes: history.series('minutes'),
        day: history.series('day'),
        month: history.series('month'),
      },
      failures: failures.rows(),
      marks,
      directory,
    };
  }

  /** One figure: what the plan says is in the way is what is shown. */
  #adoption(): AdoptionView {
    const { plan } = this.#options;
    if (!plan?.latest) {
      const { share, ...rest } = this.#watch.history.adoption();
      return { ...given({ share }), ...rest, by: 'process' };
    }
    const { key, xlink } = plan.latest.traffic;
    const requests = key + xlink;
    const share = requests === 0 ? undefined : xlink / requests;
    return { ...given({ share }), requests, overMs: plan.windowMs, by: 'plan' };
  }

  async #clients(): Promise<ClientDirectory | NoClientsView> {
    try {
      this.#asking ??= this.#adapter
        .report(this.#options.report)
        .then((report) => ClientDirectory.of(report))
        .finally(() => {
          this.#asking = undefined;
        });
      return await within(STORE_LIMIT_MS, this.#asking, () => new Error('the client store did not answer'));
    } catch (cause) {
      if (isXlinkError(cause) && cause.id === 'INVALID_OPTION' && cause.field === 'clients')
        return { kept: false, why: 'not-configured' };
      this.#adapter.emit({ type: 'fault', error: toXlinkError(cause) });
      return { kept: false, why: 'unavailable' };
    }
  }
}
