import type { XlinkError } from '../errors/errors.js';
import type { InboundRequest, Outcome } from '../http/decision.js';
import { ASKS_FOR_XLINK } from '../http/key-refusals.js';
import { addressBlock } from '../util/address-block.js';
import { pause } from '../util/backoff.js';
import { BoundedMap } from '../util/bounded-map.js';

/** So many bytes of a body cost about as much as all else in a refusal. */
const BYTES_PER_REFUSAL = 64 * 1024;
/** What an address may be refused at once, in time that it would take one after the other. */
const BURST_MS = 250;
const MAX_WAIT_MS = 2000;
/** Refusals that wait at a time. Each keeps a connection, so that a flood pays for them as well. */
const MAX_WAITING = 1000;
const MAX_ADDRESSES = 10_000;

/**
 * Answers the refusals of an address late once there are too many of them: who floods waits for his own answers, and the
 * time of the process is left to others. Nothing that is accepted ever waits, nor does a caller that is known.
 */
export class RefusalPace {
  readonly #perMs: number;
  readonly #addressOf: (request: InboundRequest) => string | undefined;
  /** Until when the refusals of an address, one after the other, would take. In ms of `performance.now()`. */
  readonly #busyUntil = new BoundedMap<string, number>(MAX_ADDRESSES);
  #waiting = 0;

  /** `perSecond`: refusals of an address that are answered without waiting. */
  constructor(perSecond: number, addressOf: (request: InboundRequest) => string | undefined) {
    this.#perMs = perSecond / 1000;
    this.#addressOf = addressOf;
  }

  /** Resolves when the refusal may be sent, after two seconds at the latest. */
  async hold(request: InboundRequest, outcome: Pick<Outcome, 'error' | 'client' | 'did'>): Promise<void> {
    if (!isStranger(outcome)) return;
    const address = this.#addressOf(request);
    if (address === undefined) return;
    const delay = this.#delay(addressBlock(address), costOf(request));
    if (delay <= 0 || this.#waiting >= MAX_WAITING) return;
    this.#waiting += 1;
    await pause(Math.min(delay, MAX_WAIT_MS));
    this.#waiting -= 1;
  }

  #delay(address: string, cost: number): number {
    const now = performance.now();
    const until = Math.max(now, this.#busyUntil.get(address) ?? 0) + cost / this.#perMs;
    this.#busyUntil.set(address, Math.min(until, now + BURST_MS + MAX_WAIT_MS));
    return until - now - BURST_MS;
  }
}

/** Whether nobody vouches for the request, and it is no fault of the service or of its mode. */
function isStranger({ error, client, did }: { error?: XlinkError; client?: string; did?: string }): boolean {
  if (!error || client !== undefined || did !== undefined) return false;
  if (ASKS_FOR_XLINK.has(error.id) || error.id === 'XLINK_NOT_SUPPORTED') return false;
  return error.status < 500 || error.code === 'INTAKE_FULL';
}

function costOf(request: InboundRequest): number {
  const length = Number(request.header('content-length') ?? 0);
  return 1 + (length > 0 ? Math.min(length, 2 ** 24) / BYTES_PER_REFUSAL : 0);
}
