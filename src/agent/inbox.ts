import { xlinkError } from '../errors/service-errors.js';
import type { Arrival as Arrived, Transport } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';
import { onAbort } from '../util/on-abort.js';
import { isDiscovery, type TakeDiscovery } from './answer-discovery.js';

/** Envelopes held while nothing asks for them. What comes after that is refused: a transport that can brings it again. */
const CAPACITY = 1000;

/** An envelope, and whether it was there before the inbox was. */
export interface Arrival {
  readonly envelope: Envelope;
  readonly isOld: boolean;
  /** Takes a receipt back, if the sender asked for one. */
  readonly reply?: Arrived['reply'] | undefined;
}

/** Holds what the transports bring for an agent until it is asked for. */
export class Inbox {
  readonly #held: Arrival[] = [];
  readonly #waiting = new Set<(arrival: Arrival) => void>();
  readonly #closed = new AbortController();

  /**
   * `dids`: what it takes envelopes for, asked anew for each. Several while one identity takes the place of another. `takeReceipt`: for those that
   * are receipts, which no one asks an inbox for.
   */
  constructor(
    dids: () => readonly Did[],
    transports: readonly Transport[],
    discoveryOver: (transport: Transport) => TakeDiscovery,
    takeReceipt: (envelope: Envelope, arrival: Arrived | undefined) => Promise<void> | undefined,
  ) {
    for (const transport of new Set(transports)) {
      for (const did of dids())
        for (const envelope of transport.backlog?.(did) ?? [])
          if (!isDiscovery(envelope)) this.#held.push({ envelope, isOld: true });
      const discover = discoveryOver(transport);
      transport.onReceive(async (envelope, arrival) => {
        if (isDiscovery(envelope)) await discover(envelope, arrival);
        else if (dids().includes(envelope.to))
          await (takeReceipt(envelope, arrival) ??
            this.#add({ envelope, isOld: false, reply: arrival?.reply }));
      });
    }
  }

  /** The oldest envelope that was not asked for yet. Rejects with `NETWORK_ERROR` if `signal` or `close()` ends the wait. */
  next(signal?: AbortSignal): Promise<Arrival> {
    const ends = [this.#closed.signal, ...(signal ? [signal] : [])];
    const ended = () => ends.find(({ aborted }) => aborted);
    const failure = () => xlinkError('NETWORK_ERROR', { cause: ended()?.reason });
    if (ended()) return Promise.reject(failure());
    const held = this.#held.shift();
    if (held) return Promise.resolve(held);
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#waiting.delete(take);
        for (const forget of forgetting) forget();
      };
      const take = (arrival: Arrival) => {
        stop();
        resolve(arrival);
      };
      const forgetting = ends.map((end) =>
        onAbort(end, () => {
          stop();
          reject(failure());
        }),
      );
      this.#waiting.add(take);
    });
  }

  close(): void {
    this.#closed.abort(new Error('the agent was disposed'));
    this.#held.length = 0;
  }

  #add(arrival: Arrival): void {
    const [first] = this.#waiting;
    if (first) first(arrival);
    else if (this.#held.length < CAPACITY) this.#held.push(arrival);
    else throw xlinkError('SEND_FAILED:MAILBOX_FULL');
  }
}
