import { ServiceAgent } from '../agent/service-agent.js';
import { xlinkError } from '../errors/service-errors.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import {
  type Delivery,
  isDeliveryId,
  MAX_BATCH,
  MAX_WAIT_MS,
  type Pull,
  RELAY_SCOPE,
} from '../transport/relay-protocol.js';
import type { Did } from '../types/protocol.js';
import { unref } from '../util/backoff.js';
import { type Admits, admit } from './admission.js';
import type { RelayOptions } from './options.js';
import { Receivers } from './receivers.js';
import { orUnavailable } from './send.js';

/** A delivery is handed out with others up to about so many bytes. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** Hands out what waits for a recipient to that recipient only, and removes what that recipient has acknowledged. */
export class Outlet {
  readonly receivers: Receivers;
  readonly #options: RelayOptions;
  readonly #admits: Admits;
  readonly #agent: ServiceAgent;

  constructor(options: RelayOptions, admits: Admits) {
    const { identity, clock = Date.now, timestampWindowMs } = options;
    const { receiversPerDid = 4, maxReceivers = 10_000 } = options;
    this.#options = options;
    this.receivers = new Receivers(receiversPerDid, maxReceivers, (did) => this.admit(did));
    this.#admits = admits;
    this.#agent = new ServiceAgent({
      identity,
      clock,
      nonceStore: new MemoryNonceStore({ clock }),
      ...(timestampWindowMs === undefined ? {} : { timestampWindowMs }),
    });
  }

  /**
   * Who made this proof for this request, and what it carries. Each proof is good once; of those who are not admitted none
   * is remembered. Throws what it is refused with.
   */
  async authenticate(proof: string | Uint8Array, request: string): Promise<{ did: Did; payload: unknown }> {
    const received = await this.#agent.receiveIntroduction(proof, {
      scope: RELAY_SCOPE,
      request,
      admit: (did) => this.admit(did),
    });
    if (!received.ok) throw received.error;
    const { sender, payload } = received.value;
    return { did: sender, payload };
  }

  /** Throws unless the DID is admitted now: it may have been revoked since it was last asked about. */
  admit(did: Did): Promise<void> {
    return admit(this.#admits, did, 'RELAY_NOT_ALLOWED');
  }

  /**
   * The JSON that answers a pull of a DID that was admitted a moment ago; after a wait it is asked about again. Ends early,
   * with nothing, when the signal is aborted.
   */
  async answer(did: Did, pull: Pull, signal: AbortSignal): Promise<string> {
    const { store } = this.#options;
    let hasWaited = false;
    if (pull.ack.length > 0) await orUnavailable(() => store.ack(did, pull.ack));
    let isNew = false;
    let wake = () => {};
    const unwatch = store.watch(did, () => {
      isNew = true;
      wake();
    });
    const deadline = performance.now() + pull.waitMs;
    try {
      for (;;) {
        isNew = false;
        const found = await orUnavailable(() => store.list(did, pull.after, MAX_BATCH));
        const left = deadline - performance.now();
        if (found.length > 0 || left <= 0 || signal.aborted) {
          if (hasWaited && !signal.aborted) await this.admit(did);
          return messagesOf(found);
        }
        hasWaited = true;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          unref(timer);
          wake = () => {
            clearTimeout(timer);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          signal.addEventListener('abort', wake, { once: true });
          if (isNew) wake();
        });
        signal.removeEventListener('abort', wake);
      }
    } finally {
      unwatch();
    }
  }
}

/** As many as fit, and always one. */
function messagesOf(deliveries: readonly Delivery[]): string {
  const texts: string[] = [];
  let bytes = 0;
  for (const delivery of deliveries) {
    const text = JSON.stringify(delivery);
    bytes += text.length;
    if (texts.length > 0 && bytes > BATCH_BYTES) break;
    texts.push(text);
  }
  return `{"messages":[${texts.join(',')}]}`;
}

/** Throws `PARSE_FAILED` for anything but a pull. */
export function pullOf(value: unknown): Pull {
  const { ack, after, waitMs } = (value ?? {}) as Partial<Record<keyof Pull, unknown>>;
  const isGood =
    Array.isArray(ack) &&
    ack.length <= MAX_BATCH &&
    ack.every(isDeliveryId) &&
    (after === '' || isDeliveryId(after)) &&
    typeof waitMs === 'number' &&
    waitMs >= 0 &&
    waitMs <= MAX_WAIT_MS;
  if (!isGood) throw xlinkError('PARSE_FAILED', { field: 'payload' });
  return { ack, after, waitMs };
}
