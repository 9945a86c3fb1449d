import type { DeliveryClient } from './delivery/client.js';
import { GroupError, isGroupError } from './errors.js';
import { type GroupHost, operate } from './group/host.js';
import type { StateRecord } from './state/record.js';
import type { MlsSuite } from './suites.js';
import { toBytes, toText } from './util/bytes.js';
import { Lock } from './util/lock.js';
import type { OwnKeyPackage } from './worker/protocol.js';

interface KeptPackage {
  readonly ref: string;
  readonly suite: MlsSuite;
  readonly bytes: string;
  readonly initKey: string;
  readonly leafKey: string;
  readonly notAfter: number;
  readonly isLastResort: boolean;
}

/** The private halves of all key packages that are published, sealed at rest. */
export interface KeptKeys {
  readonly packages: readonly KeptPackage[];
}

const DAY_MS = 86_400_000;
/** A last resort is replaced this long before it ends. */
const RENEW_MS = 7 * DAY_MS;
const MAX_ATTEMPTS = 20;

/** Key packages of this agent: published, kept, and filled up when half of them are used. */
export class KeyPool {
  readonly #host: GroupHost;
  readonly #record: StateRecord<KeptKeys>;
  readonly #api: DeliveryClient;
  readonly #suites: readonly MlsSuite[];
  readonly #count: number;
  readonly #clock: () => number;
  readonly #lock = new Lock();

  constructor(
    host: GroupHost,
    record: StateRecord<KeptKeys>,
    api: DeliveryClient,
    options: { readonly suites: readonly MlsSuite[]; readonly count: number; readonly clock: () => number },
  ) {
    this.#host = host;
    this.#record = record;
    this.#api = api;
    this.#suites = options.suites;
    this.#count = options.count;
    this.#clock = options.clock;
  }

  /** Publishes what is missing. Private halves are written first. */
  fill(): Promise<void> {
    return this.#lock.run(async () => {
      for (const suite of this.#suites) await this.#fill(suite);
    });
  }

  /** Those that may be named in a welcome. */
  async all(): Promise<readonly OwnKeyPackage[]> {
    const { packages } = await this.#load();
    return packages.map(({ bytes, initKey, leafKey, ...rest }) => ({
      ...rest,
      bytes: toBytes(bytes),
      initKey: toBytes(initKey),
      leafKey: toBytes(leafKey),
    }));
  }

  /** Forgets one that was used; a last resort is replaced, and stays until it ends. */
  async used(ref: string): Promise<void> {
    let isLast = false;
    await this.#change(({ packages }) => {
      isLast = packages.some((one) => one.ref === ref && one.isLastResort);
      return { packages: packages.filter((one) => one.ref !== ref || one.isLastResort) };
    });
    await this.#lock.run(async () => {
      if (isLast) for (const suite of this.#suites) await this.#publish(suite, 0, true, false);
    });
    await this.fill();
  }

  async #fill(suite: MlsSuite): Promise<void> {
    const now = this.#clock();
    const ours = (await this.#load()).packages.filter((one) => one.suite === suite);
    const { waiting } = await this.#api.waiting(suite);
    const isLost = ours.length === 0; // what waits there cannot be opened any more
    const missing = isLost || waiting < this.#count / 2 ? this.#count - (isLost ? 0 : waiting) : 0;
    const isEnding = !ours.some(({ isLastResort, notAfter }) => isLastResort && notAfter > now + RENEW_MS);
    if (missing > 0 || isEnding) await this.#publish(suite, missing, isEnding, isLost);
  }

  async #publish(suite: MlsSuite, count: number, withLast: boolean, replace: boolean): Promise<void> {
    const now = this.#clock();
    const total = count + (withLast ? 1 : 0);
    const made = await operate(this.#host, 'keyPackages', {
      self: this.#host.self,
      suite,
      count: total,
      now,
    });
    const kept = made.map(
      (one, at): KeptPackage => ({
        ref: one.ref,
        suite,
        bytes: toText(one.bytes),
        initKey: toText(one.initKey),
        leafKey: toText(one.leafKey),
        notAfter: one.notAfter,
        isLastResort: withLast && at === total - 1,
      }),
    );
    await this.#change(({ packages }) => ({
      packages: [...packages.filter(({ notAfter }) => notAfter + DAY_MS > now), ...kept],
    }));
    const last = kept.find(({ isLastResort }) => isLastResort);
    const packages = kept.filter(({ isLastResort }) => !isLastResort).map(({ bytes }) => bytes);
    await this.#api.publish({
      suite,
      packages,
      ...(last ? { lastResort: last.bytes } : {}),
      ...(replace ? { replace } : {}),
    });
  }

  async #load(): Promise<KeptKeys> {
    return (await this.#record.load()) ?? { packages: [] };
  }

  async #change(change: (before: KeptKeys) => KeptKeys): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
      if (await this.#record.save(change(await this.#load()))) return;
    throw new GroupError('STATE_CONFLICT');
  }
}

/** Whether an error may pass by itself. */
export const mayPass = (error: unknown): boolean =>
  !isGroupError(error) ||
  [
    'DELIVERY_FAILED',
    'REGISTRY_UNAVAILABLE',
    'STATE_UNAVAILABLE',
    'STATE_CONFLICT',
    'TOO_MANY',
    'WORKER_FAILED',
    'CLOSED',
  ].includes(error.code);
