import type { Clock } from '../types/protocol.js';
import { addressBlock } from '../util/address-block.js';
import { BoundedMap } from '../util/bounded-map.js';
import { TokenBucket } from '../util/token-bucket.js';

/** Hosts that an authenticated request came for; the one that was quiet for longest is forgotten first. */
export const PROVEN_HOSTS = 100;
/** New hosts that an address may name in a minute, and all addresses together: strangers must not make a service sign without end. */
const PER_ADDRESS = 20;
const FOR_ALL = 60;

/** Which hosts that requests name a document is signed for, where the operator names none. */
export class HostBudget {
  readonly #proven = new BoundedMap<string, true>(PROVEN_HOSTS);
  readonly #byAddress: TokenBucket;
  readonly #forAll: TokenBucket;

  constructor(clock: Clock) {
    this.#byAddress = new TokenBucket(PER_ADDRESS, clock);
    this.#forAll = new TokenBucket(FOR_ALL, clock);
  }

  /** A request for this host was authenticated: it waits for no stranger from now on. */
  prove(host: string): void {
    if (!this.isProven(host)) this.#proven.set(host, true);
  }

  isProven(host: string): boolean {
    return this.#proven.get(host) === true;
  }

  /** Whether a document may be signed for a host that nobody has proven; counts it if so. */
  takeNew(address: string | undefined): boolean {
    return this.#byAddress.take(addressBlock(address ?? 'unknown')) && this.#forAll.take('');
  }
}
