import { defaultProvider } from '#provider';
import type { Service } from '../discovery/discover.js';
import { assertSameService } from '../discovery/same-service.js';
import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Keeps what was learned about services, beside the identity; without it a restart begins anew. */
export interface ServiceMemory {
  /** What was saved last; `undefined` if nothing was. */
  load(): Awaitable<string | undefined>;
  /** JSON without secrets. Must be kept when it resolves. */
  save(json: string): Awaitable<void>;
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

/**
 * A ratchet: who a service is, and that it has proven itself, is believed for good, so that nobody on the way can bring the
 * key back into use by withholding or replaying documents.
 */
export class KnownServices {
  readonly #memory: ServiceMemory | undefined;
  readonly #mutex = new KeyedMutex<string>();
  /** As it was read or saved last. */
  #known: ReadonlyMap<string, KnownService> | undefined;

  constructor(memory: ServiceMemory | undefined) {
    this.#memory = memory;
  }

  async get(origin: string): Promise<KnownService | undefined> {
    return (this.#known ??= await this.#load()).get(origin);
  }

  /**
   * Takes note of a document. One that is older than the newest may come from another instance of the service; it is taken if
   * it says the same. Rejects with `DISCOVERY_FAILED:OTHER_IDENTITY`, `DISCOVERY_FAILED:ROLLED_BACK` or `KEY_RECORD_INVALID`, or if
   * that cannot be kept.
   */
  async see(service: Service): Promise<void> {
    const { origin, did, issuedAt, keyRecord } = service;
    const { mlDsa65, next } = keyRecord;
    const says = await digestOf(service);
    await this.#change(origin, async (known) => {
      if (known) await assertSameService(known, service);
      const isSaid = known?.did === did && says === known.says;
      if (isSaid && issuedAt <= known.issuedAt) return known;
      if (known && issuedAt < known.issuedAt)
        throw xlinkError('DISCOVERY_FAILED:ROLLED_BACK', { field: 'issuedAt' });
      return { did, issuedAt, says, proven: known?.proven ?? false, ...given({ mlDsa65, next }) };
    });
  }

  /** Notes that the service has proven itself. Rejects if that cannot be kept, and then it is not believed. */
  async prove(origin: string): Promise<void> {
    if ((await this.get(origin))?.proven) return;
    await this.#change(origin, (known) => known && { ...known, proven: true });
  }

  /** For the operator: the service at this origin is met as for the first time. */
  async forget(origin: string): Promise<void> {
    await this.#change(origin, () => undefined);
  }

  /** Starts from what is saved by now: another process of this identity may have learned something, too. */
  #change(
    origin: string,
    next: (known: KnownService | undefined) => Awaitable<KnownService | undefined>,
  ): Promise<void> {
    return this.#mutex.run('', async () => {
      const all = new Map(await this.#load());
      const before = all.get(origin);
      const after = await next(before);
      if (after) all.set(origin, after);
      else all.delete(origin);
      const json = JSON.stringify({ version: 1, services: Object.fromEntries(all) });
      if (after !== before) await kept(async () => this.#memory?.save(json));
      this.#known = all;
    });
  }

  async #load(): Promise<ReadonlyMap<string, KnownService>> {
    const json = await kept(async () => this.#memory?.load());
    return json === undefined ? (this.#known ?? new Map()) : parse(json);
  }
}

/** All but times, and the key record, which has a memory of its own. */
async function digestOf({
  versions,
  mode,
  acceptsEnvelopes,
  endpoints,
  publicPaths,
}: Service): Promise<string> {
  const text = JSON.stringify([versions, mode, acceptsEnvelopes, endpoints, publicPaths]);
  return encodeBase64url(await defaultProvider().sha256(encodeUtf8(text)));
}

/** What cannot be read or kept protects nobody, so nothing goes on without it. */
async function kept<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw xlinkError('SERVICE_MEMORY_FAILED', { cause });
  }
}

function parse(json: string): Map<string, KnownService> {
  try {
    const { version, services } = JSON.parse(json) as {
      version: unknown;
      services: Record<string, KnownService>;
    };
    const entries = Object.entries(services);
    const isValid = entries.every(
      ([, one]) =>
        typeof one.did === 'string' &&
        typeof one.says === 'string' &&
        Number.isSafeInteger(one.issuedAt) &&
        typeof one.proven === 'boolean' &&
        [one.mlDsa65, one.next].every((text) => text === undefined || typeof text === 'string'),
    );
    if (version === 1 && isValid) return new Map(entries);
  } catch {
    // the parser's error would quote the text
  }
  throw xlinkError('SERVICE_MEMORY_FAILED', { cause: new Error('what was saved is something else') });
}
