import type { InboundRequest, Outcome } from '../../http/decision.js';
import type { ClientId, Clock } from '../../types/protocol.js';
import { addressNetwork } from '../../util/address-network.js';
import { unref } from '../../util/backoff.js';
import { given } from '../../util/given.js';
import { checkOptions, isBoolean } from '../../util/options.js';
import { UNMATCHED } from '../clients/cutover-report.js';
import { Documents } from '../operations/documents.js';
import type { OperationsStore } from '../operations/store.js';
import { EMPTY, HOUR_MS, type KeyUseRecord, mergedKeyUse } from './record.js';
import { softwareOf } from './software.js';

/** What is kept of requests that come with a key. */
export interface KeyUseOptions {
  /** Keeps the network that a program last called from: /24 of IPv4, /48 of IPv6. Default `true`. */
  readonly networks?: boolean;
}

/** Throws `INVALID_OPTION`. */
export const checkKeyUseOptions = (options: KeyUseOptions): void =>
  checkOptions('DualModeAdapter: keyUse', options, { networks: isBoolean });

export interface KeyUseParts extends KeyUseOptions {
  readonly store: OperationsStore;
  readonly clock: Clock;
  readonly addressOf: (request: InboundRequest) => string | undefined;
  readonly onFault: (error: unknown) => void;
}

/** How long counts are held back before they are written, in ms. */
const FLUSH_MS = 15_000;
/** Clients with counts that are not written yet; of more, nothing is kept until the next write. */
const MAX_PENDING = 10_000;

/** What sent a request. */
export type Sender = NonNullable<Outcome['sender']>;

/**
 * Which programs still send keys, and when, so that somebody can be written to. Bounded for each client; written to the store now and
 * then, and what was not written is lost in a crash. A store that is down refuses nothing.
 */
export class KeyUse {
  readonly #parts: KeyUseParts;
  readonly #documents: Documents<KeyUseRecord>;
  #pending = new Map<ClientId, KeyUseRecord>();
  #writing: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: KeyUseParts) {
    this.#parts = parts;
    this.#documents = new Documents(parts.store, 'key-use');
  }

  /** As much of a request as is kept. */
  senderOf(request: InboundRequest): Sender {
    const { networks = true, addressOf } = this.#parts;
    const network = networks ? addressNetwork(addressOf(request)) : undefined;
    return { software: softwareOf(request.header('user-agent')), ...given({ network }) };
  }

  /** A request with a key is over. */
  used({ client, method, error, sender }: Outcome, route: string | undefined): void {
    if (method !== 'api-key' || client === undefined || !sender) return;
    const now = this.#parts.clock();
    const { software, network } = sender;
    const one = {
      requests: 1,
      firstUse: now,
      lastUse: now,
      ...given({ network }),
      routes: { [route ?? UNMATCHED]: now },
    };
    this.#add(client, {
      software: { [software]: one },
      hours: error ? {} : { [hourOf(now)]: { key: 1, badEnvelopes: 0 } },
    });
  }

  /** An envelope beside a key would have been refused. `reason`: the id of the error. */
  badEnvelope(client: ClientId, reason: string): void {
    this.#add(client, {
      software: {},
      hours: { [hourOf(this.#parts.clock())]: { key: 0, badEnvelopes: 1, reasons: { [reason]: 1 } } },
    });
  }

  /** What is known by now, by client. Rejects with `OPERATIONS_STORE_UNAVAILABLE`. */
  async all(): Promise<ReadonlyMap<ClientId, KeyUseRecord>> {
    await this.flush();
    return this.#documents.all();
  }

  /** Writes what is pending. What cannot be written is kept for the next time. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Map();
    for (const [client, record] of pending) {
      try {
        const now = this.#parts.clock();
        await this.#documents.update(client, (before = EMPTY) => mergedKeyUse(before, record, now));
        pending.delete(client);
      } catch (error) {
        this.#parts.onFault(error);
        for (const [left, unwritten] of pending) this.#add(left, unwritten);
        return;
      }
    }
  }

  #add(client: ClientId, record: KeyUseRecord): void {
    const before = this.#pending.get(client);
    if (!before && this.#pending.size >= MAX_PENDING) return;
    this.#pending.set(client, mergedKeyUse(before ?? EMPTY, record, this.#parts.clock()));
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.flush(), FLUSH_MS);
    unref(this.#timer);
  }
}

const hourOf = (now: number): number => Math.floor(now / HOUR_MS);

/** The one of an adapter, if its options ask for that. */
export const keyUseOf = (
  { clients, keyUse }: { readonly clients?: object; readonly keyUse?: boolean | KeyUseOptions },
  parts: Omit<KeyUseParts, keyof KeyUseOptions>,
): KeyUse | undefined =>
  clients && keyUse ? new KeyUse({ ...parts, ...(keyUse === true ? {} : keyUse) }) : undefined;
