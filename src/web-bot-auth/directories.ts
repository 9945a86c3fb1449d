import type { CryptoProvider } from '../crypto/provider.js';
import { withDeadline } from '../http/abort.js';
import { DIRECT } from '../http/fetch.js';
import { mediaTypeOf } from '../http/media-type.js';
import { readAtMost } from '../http/read-body.js';
import type { Clock } from '../types/protocol.js';
import { KEY_DIRECTORY_PATH, KEY_DIRECTORY_TYPE, type KnownKeys, readKeyDirectory } from './key-directory.js';

const MAX_BYTES = 64 * 1024;
/** How long a directory is kept that does not say for how long, and the bounds of what one can say, in ms. */
const KEPT_MS = 3_600_000;
const [LEAST_KEPT_MS, MOST_KEPT_MS] = [60_000, 86_400_000];
/** How long nothing is asked of a host that failed, or that did not have a key, in ms. */
const PAUSE_MS = 60_000;
/** How long a directory counts that cannot be renewed, in ms. */
const STALE_MS = 86_400_000;

interface Kept {
  /** Those of the last answer. */
  keys?: KnownKeys;
  /** When they are to be renewed, and until when they count if they cannot be. */
  renewAt: number;
  staleAt: number;
  /** Before that nothing is asked for. */
  askAgainAt: number;
  asking?: Promise<void> | undefined;
}

export interface DirectoriesParts {
  readonly crypto: CryptoProvider;
  /** Nothing is fetched from any other. */
  readonly origins: readonly string[];
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** The key directories of the origins that an operator listed: fetched when they are needed, one request at a time for each. */
export class Directories {
  readonly #parts: DirectoriesParts;
  readonly #kept: ReadonlyMap<string, Kept>;

  constructor(parts: DirectoriesParts) {
    this.#parts = parts;
    this.#kept = new Map(parts.origins.map((origin) => [origin, { renewAt: 0, staleAt: 0, askAgainAt: 0 }]));
  }

  has(origin: string): boolean {
    return this.#kept.has(origin);
  }

  /** The keys of an origin; they are asked for again, once a minute at most, if `keyid` is not among them. `undefined`: it has none now. */
  async keysOf(origin: string, keyid: string): Promise<KnownKeys | undefined> {
    const kept = this.#kept.get(origin)!;
    const now = this.#parts.clock();
    const isDue = now >= kept.renewAt || !kept.keys?.has(keyid);
    if (isDue && (kept.asking || now >= kept.askAgainAt)) await (kept.asking ??= this.#renew(origin, kept));
    return this.#parts.clock() < kept.staleAt ? kept.keys : undefined;
  }

  /** What cannot be had leaves what is known as it is: else a host that is down would end the keys of its agents. */
  async #renew(origin: string, kept: Kept): Promise<void> {
    const { clock, timeoutMs } = this.#parts;
    try {
      const expired = () => new Error(`the key directory did not come within ${timeoutMs} ms`);
      const { keys, keptMs } = await withDeadline(timeoutMs, expired, (signal) =>
        this.#fetch(origin, signal),
      );
      Object.assign(kept, { keys, renewAt: clock() + keptMs, staleAt: clock() + keptMs + STALE_MS });
    } catch {
      // asked for again when the pause is over
    } finally {
      kept.askAgainAt = clock() + PAUSE_MS;
      kept.asking = undefined;
    }
  }

  async #fetch(origin: string, signal: AbortSignal) {
    const { fetch, crypto } = this.#parts;
    const headers = { Accept: KEY_DIRECTORY_TYPE };
    const response = await fetch(`${origin}${KEY_DIRECTORY_PATH}`, { ...DIRECT, headers, signal });
    if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
    if (mediaTypeOf(response.headers.get('content-type')) !== KEY_DIRECTORY_TYPE)
      throw new Error('another media type');
    const bytes = await readAtMost(response, MAX_BYTES, () => new Error('too large'));
    const keys = await readKeyDirectory(crypto, bytes);
    if (!keys) throw new Error('no directory');
    return { keys, keptMs: keptMsOf(response.headers.get('cache-control') ?? '') };
  }
}

function keptMsOf(cacheControl: string): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})(?=$|[\s,])/i.exec(cacheControl)?.[1];
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return LEAST_KEPT_MS;
  const ms = seconds === undefined ? KEPT_MS : Number(seconds) * 1000;
  return Math.min(Math.max(ms, LEAST_KEPT_MS), MOST_KEPT_MS);
}
