import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { KeyedMutex } from '../util/keyed-mutex.js';

/**
 * Keeps what was learned about services, beside the identity; without it a restart begins anew.
 *
 * Clients that share one such object take turns. If several processes, or several objects, share what it keeps, it needs
 * `update`: without it, one overwrites what another has just learned, and the API key may be used again where it was over.
 */
export interface ServiceMemory {
  /** What was saved last; `undefined` if nothing was. Also called before the key is used at a service that has not proven itself. */
  load(): Awaitable<string | undefined>;
  /** JSON without secrets, in place of what was saved last. Must be kept when it resolves. Not called if there is `update`. */
  save(json: string): Awaitable<void>;
  /**
   * Calls `change` with what was saved last, and saves what that resolves to; nothing if that is `undefined`. No other update may
   * happen in between: hold a lock or a transaction, or save only if nothing has changed, else call `change` again. Must be kept when
   * it resolves.
   */
  update?(change: (json: string | undefined) => Promise<string | undefined>): Awaitable<void>;
}

/** What must not go backwards about the service at one origin. */
export interface KnownService {
  readonly did: Did;
  /** Of the newest discovery document that was seen. */
  readonly issuedAt: number;
  /** Digest of what that document said: base64url, 32 bytes. */
  readonly says: string;
  /** Whether it has proven by a verified answer that it works on envelopes: from then on the key is never used there. */
  readonly proven: boolean;
  /** Of its key record: what that may not change. */
  readonly mlDsa65?: string;
  readonly next?: string;
}

/** By origin. */
export type KnownByOrigin = ReadonlyMap<string, KnownService>;

/** One at a time for each memory. */
const turns = new KeyedMutex<ServiceMemory>();

/** What is kept, or else what is known here. */
export const loadKnown = async (memory: ServiceMemory, here: () => KnownByOrigin): Promise<KnownByOrigin> =>
  parse(await kept(() => memory.load())) ?? here();

/**
 * Changes what is kept, starting from what others have learned by now, and resolves to that once it is kept. Rejects with
 * what `change` rejects with; that resolves to what it was given if nothing is new.
 */
export function updateKnown(
  memory: ServiceMemory,
  here: () => KnownByOrigin,
  change: (known: KnownByOrigin) => Promise<KnownByOrigin>,
): Promise<KnownByOrigin> {
  return turns.run(memory, async () => {
    let outcome: Promise<KnownByOrigin> | undefined;
    const changed = async (json: string | undefined) => {
      let before: KnownByOrigin | undefined;
      outcome = (async () => change((before = parse(json) ?? here())))();
      const after = await outcome.catch(() => before); // the memory need not know why nothing is saved
      return !after || after === before
        ? undefined
        : JSON.stringify({ version: 1, services: Object.fromEntries(after) });
    };
    await kept(async () => {
      if (memory.update) return memory.update(changed);
      const json = await changed(await memory.load());
      if (json !== undefined) await memory.save(json);
    });
    if (!outcome) throw failed(new Error('update() called nothing'));
    return outcome;
  });
}

const failed = (cause: unknown) => xlinkError('SERVICE_MEMORY_FAILED', { cause });

/** What cannot be read or kept protects nobody, so nothing goes on without it. */
async function kept<T>(work: () => Awaitable<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw failed(cause);
  }
}

function parse(json: string | undefined): Map<string, KnownService> | undefined {
  if (json === undefined) return undefined;
  try {
    const { version, services } = JSON.parse(json) as {
      version: unknown;
      services: Record<string, KnownService>;
    };
    const entries = Object.entries(services);
    const isValid = entries.every(
      ([, one]) =>
        Number.isSafeInteger(one.issuedAt) &&
        typeof one.proven === 'boolean' &&
        [one.did, one.says, one.mlDsa65 ?? '', one.next ?? ''].every((text) => typeof text === 'string'),
    );
    if (version === 1 && isValid) return new Map(entries);
  } catch {
    // the parser's error would quote the text
  }
  throw failed(new Error('what was saved is something else'));
}
