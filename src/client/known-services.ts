import type { Service } from '../discovery/discover.js';
import { assertSameService } from '../discovery/same-service.js';
import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { KeyedMutex } from '../util/keyed-mutex.js';

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
  #known: Map<string, KnownService> | undefined;

  constructor(memory: ServiceMemory | undefined) {
    this.#memory = memory;
  }

  async get(origin: string): Promise<KnownService | undefined> {
    return (await this.#load()).get(origin);
  }

  /** Takes note of a document. Throws `DISCOVERY_FAILED:OTHER_IDENTITY`, `DISCOVERY_FAILED:ROLLED_BACK` or `KEY_RECORD_INVALID`. */
  async see(service: Service): Promise<void> {
    const { origin, did, issuedAt, keyRecord } = service;
    const known = await this.get(origin);
    if (known) await assertSameService(known, service);
    if (known && issuedAt < known.issuedAt)
      throw xlinkError('DISCOVERY_FAILED:ROLLED_BACK', { field: 'issuedAt' });
    const { proven = false } = known ?? {};
    const { mlDsa65, next } = keyRecord;
    const seen = { did, issuedAt, proven, ...(mlDsa65 ? { mlDsa65 } : {}), ...(next ? { next } : {}) };
    if (proven && known?.did !== did) await this.#keep(origin, seen);
    else (await this.#load()).set(origin, seen);
  }

  /** Notes that the service has proven itself. Rejects if that cannot be kept, and then it is not believed. */
  async prove(origin: string): Promise<void> {
    const known = await this.get(origin);
    if (!known || known.proven) return;
    await this.#keep(origin, { ...known, proven: true });
  }

  /** For the operator: the service at this origin is met as for the first time. */
  async forget(origin: string): Promise<void> {
    await this.#mutex.run('save', async () => {
      const known = await this.#load();
      if (known.delete(origin)) await this.#save(known);
    });
  }

  async #keep(origin: string, service: KnownService): Promise<void> {
    await this.#mutex.run('save', async () => {
      await this.#save(new Map(await this.#load()).set(origin, service));
      (await this.#load()).set(origin, service);
    });
  }

  async #load(): Promise<Map<string, KnownService>> {
    if (this.#known) return this.#known;
    const json = await kept(async () => this.#memory?.load());
    return (this.#known ??= json === undefined ? new Map() : parse(json));
  }

  async #save(known: ReadonlyMap<string, KnownService>): Promise<void> {
    const json = JSON.stringify({ version: 1, services: Object.fromEntries(known) });
    await kept(async () => this.#memory?.save(json));
  }
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
