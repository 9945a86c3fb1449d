import { defaultProvider } from '#provider';
import type { Service } from '../discovery/discover.js';
import { assertSameService } from '../discovery/same-service.js';
import { xlinkError } from '../errors/errors.js';
import type { Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { encodeBase64url } from '../util/base64url.js';
import { BoundedMap } from '../util/bounded-map.js';
import { given } from '../util/given.js';
import { encodeUtf8 } from '../util/utf8.js';
import {
  type KnownByOrigin,
  type KnownService,
  loadKnown,
  type ServiceMemory,
  updateKnown,
} from './service-memory.js';

/** Services that are known at most, unless chosen otherwise. */
export const DEFAULT_MAX_SERVICES = 1000;

/** What `KnownServices` is told by the options of its client. */
export interface KnownServicesOptions {
  readonly maxServices?: number | undefined;
  readonly pinnedDid?: Did | undefined;
}

/**
 * A ratchet: who a service is, and that it has proven itself, is believed for good, so that nobody on the way can bring the
 * key back into use by withholding or replaying documents. There is room for so many: of services that have not proven
 * themselves, and are not pinned, the one used longest ago is forgotten.
 */
export class KnownServices {
  readonly #memory: ServiceMemory;
  readonly #max: number;
  readonly #pinnedDid: Did | undefined;
  /** When each was used last, as a count of uses. */
  readonly #lastUses: BoundedMap<string, number>;
  #uses = 0;
  /** As it was after the last change from here. */
  #known: KnownByOrigin = new Map();
  readonly #here = () => this.#known;

  constructor(
    memory: ServiceMemory = { load: () => undefined, save: () => undefined },
    { maxServices = DEFAULT_MAX_SERVICES, pinnedDid }: KnownServicesOptions = {},
  ) {
    this.#memory = memory;
    this.#max = maxServices;
    this.#pinnedDid = pinnedDid;
    this.#lastUses = new BoundedMap(maxServices);
  }

  /** As others that share the memory have left it, too. */
  async get(origin: string): Promise<KnownService | undefined> {
    return (await loadKnown(this.#memory, this.#here)).get(origin);
  }

  /** Reads what others have learned only where it is not known here: it is for good. */
  async isProven(origin: string): Promise<boolean> {
    return this.#known.get(origin)?.proven || !!(await this.get(origin))?.proven;
  }

  /** Notes that the service is called now. */
  use(origin: string): void {
    this.#lastUses.set(origin, ++this.#uses);
  }

  /**
   * Takes note of a document. One that is older than the newest may come from another instance of the service; it is taken if
   * it says the same. Rejects with `DISCOVERY_FAILED:OTHER_IDENTITY`, `DISCOVERY_FAILED:ROLLED_BACK` or `KEY_RECORD_INVALID`, or if
   * that cannot be kept; with `SERVICE_MEMORY_FAILED:FULL` if all others have proven themselves.
   */
  async see(service: Service): Promise<void> {
    const now = await newlyKnown(service);
    await this.#change(service.origin, async (known) => {
      if (known) await assertSameService(known, service);
      const isSaid = known?.did === now.did && now.says === known.says;
      if (isSaid && now.issuedAt <= known.issuedAt) return known;
      if (known && now.issuedAt < known.issuedAt)
        throw xlinkError('DISCOVERY_FAILED:ROLLED_BACK', { field: 'issuedAt' });
      return { ...now, proven: known?.proven ?? false };
    });
  }

  /**
   * Notes that the service has proven itself, also if it was forgotten since it was asked. Rejects if that cannot be kept, and
   * then it is not believed.
   */
  async prove(service: Service): Promise<void> {
    if (this.#known.get(service.origin)?.proven) return;
    const now = await newlyKnown(service);
    await this.#change(service.origin, (known = now) => (known.proven ? known : { ...known, proven: true }));
  }

  /** For the operator: the service at this origin is met as for the first time. */
  async forget(origin: string): Promise<void> {
    await this.#change(origin, () => undefined);
  }

  async #change(
    origin: string,
    next: (known: KnownService | undefined) => Awaitable<KnownService | undefined>,
  ): Promise<void> {
    this.#known = await updateKnown(this.#memory, this.#here, async (known) => {
      const before = known.get(origin);
      const after = await next(before);
      if (after === before) return known;
      const all = new Map(known);
      all.delete(origin); // those that changed last come last, so that a restart knows who was used lately
      if (after) all.set(origin, after);
      if (after && !before) this.#makeRoom(all, origin);
      return all;
    });
  }

  /** For the one that was added. Throws `SERVICE_MEMORY_FAILED:FULL`. */
  #makeRoom(all: Map<string, KnownService>, added: string): void {
    const excess = all.size - this.#max;
    if (excess <= 0) return;
    const uses = new Map([...all.keys()].map((origin) => [origin, this.#lastUses.get(origin) ?? 0]));
    const replaceable = [...all.keys()]
      .filter((origin) => {
        const { did, proven } = all.get(origin)!;
        return origin !== added && !proven && did !== this.#pinnedDid;
      })
      .sort((a, b) => uses.get(a)! - uses.get(b)!);
    if (replaceable.length < excess) throw xlinkError('SERVICE_MEMORY_FAILED:FULL');
    for (const origin of replaceable.slice(0, excess)) all.delete(origin);
  }
}

/** What is known of a service that was not known before. */
async function newlyKnown(service: Service): Promise<KnownService> {
  const { did, issuedAt, keyRecord } = service;
  const { mlDsa65, next } = keyRecord;
  return { did, issuedAt, says: await digestOf(service), proven: false, ...given({ mlDsa65, next }) };
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
