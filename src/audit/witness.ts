import { equalBytes } from '../crypto/bytes.js';
import { toXlinkError } from '../errors/errors.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Identity } from '../identity/identity.js';
import type { Clock, Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import {
  checkOptions,
  hasMethods,
  isFunction,
  isObject,
  isStringArray,
  requireOption,
} from '../util/options.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { verifyCheckpoint } from './checkpoint.js';
import { cosign } from './cosignature.js';
import { sha256Of } from './hash.js';
import { verifyConsistency } from './verify-proof.js';

/** What a witness remembers of a log: the newest checkpoint that it signed. */
export interface WitnessedHead {
  /** Number of entries. */
  readonly size: number;
  /** Root of the tree, base64. */
  readonly root: string;
}

/** Where a witness keeps what it signed. It must be durable: a witness that forgets may sign a rewritten log. */
export interface WitnessStore {
  /** `undefined` for a log that was never signed. */
  load(origin: string): Awaitable<WitnessedHead | undefined>;
  /**
   * Keeps a head if the one that is kept is still `before` (same size and root; `undefined`: none), as one step (compare-and-set): two instances of one witness must not
   * both sign. Resolves to `true` once it is kept for good: the signature is given out only then; to `false` if another head is there.
   */
  save(origin: string, head: WitnessedHead, before: WitnessedHead | undefined): Awaitable<boolean>;
}

/** Options of {@link AuditWitness}. */
export interface AuditWitnessOptions {
  /** Signs: not that of the service whose log it is. */
  readonly identity: Identity;
  /** DIDs of the services whose logs are witnessed. */
  readonly services: readonly Did[];
  /** Default: memory, which a restart empties. */
  readonly store?: WitnessStore;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** Answer to `add-checkpoint` of C2SP tlog-witness. */
export interface WitnessAnswer {
  /** 200, 400, 403, 404, 409 or 422. */
  readonly status: number;
  /** Of 200: the signature line; of 409: the size that the witness has, and a newline. */
  readonly body: string;
}

/**
 * Signs the checkpoints of logs of which it has seen that they only ever grew (C2SP tlog-witness, `cosignature/v1`). A
 * service that rewrites its history has no consistency proof for it, and gets no signature.
 */
export class AuditWitness {
  readonly #options: AuditWitnessOptions;
  readonly #store: WitnessStore;
  readonly #turns = new KeyedMutex();

  /** Throws `INVALID_OPTION`. */
  constructor(options: AuditWitnessOptions) {
    checkOptions('AuditWitness', options, {
      identity: isObject,
      services: isStringArray,
      store: hasMethods('load', 'save'),
      clock: isFunction,
    });
    for (const key of ['identity', 'services']) requireOption('AuditWitness', options, key);
    if (options.services.includes(options.identity.did))
      throw xlinkError('INVALID_OPTION', {
        field: 'services',
        hint: 'AuditWitness: a service is no witness of its own log.',
      });
    this.#options = { ...options };
    this.#store = options.store ?? memory();
  }

  /** Name of its key in notes. */
  get did(): Did {
    return this.#options.identity.did;
  }

  /** The body of an `add-checkpoint` request: `old <size>`, the proof line by line, an empty line and the checkpoint. */
  async addCheckpoint(body: string): Promise<WitnessAnswer> {
    const request = parseRequest(body);
    if (!request) return answer(400);
    const service = request.checkpoint.slice(0, request.checkpoint.search(/[/\n]/));
    if (!this.#options.services.includes(service)) return answer(404);
    const { crypto } = this.#options.identity;
    const checkpoint = await verifyCheckpoint(crypto, request.checkpoint, service).catch(toXlinkError);
    if (checkpoint instanceof Error) return answer(403);
    const { origin, size, root } = checkpoint;
    if (request.old > size) return answer(400);
    return this.#turns.run(origin, async () => {
      const known = await this.#store.load(origin);
      const old = known
        ? { size: known.size, root: decodeBase64(known.root)! }
        : { size: 0, root: sha256Of(crypto) };
      if (request.old !== old.size) return { status: 409, body: `${old.size}\n` };
      if (size === old.size && known && !equalBytes(root, old.root)) return answer(409, `${old.size}\n`);
      if (!verifyConsistency(crypto, old, checkpoint, request.proof)) return answer(422);
      const isKept: unknown = await this.#store.save(origin, { size, root: encodeBase64(root) }, known);
      if (typeof isKept !== 'boolean')
        throw xlinkError('INVALID_OPTION', {
          field: 'store',
          hint: 'AuditWitness: save of the store resolves to true or false: whether the head before was still there.',
        });
      if (!isKept) return answer(409, `${(await this.#store.load(origin))?.size ?? 0}\n`);
      const line = await cosign(
        this.#options.identity,
        checkpoint.note.text,
        this.#options.clock ?? Date.now,
      );
      return answer(200, line);
    });
  }
}

const answer = (status: number, body = ''): WitnessAnswer => ({ status, body });

/** The body of an `add-checkpoint` request (C2SP tlog-witness). */
export const witnessRequest = (old: number, proof: readonly Uint8Array[], checkpoint: string): string =>
  `old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`;

/** Characters of a request: 63 hashes and 100 signatures are fewer. */
const MAX_REQUEST = 64 * 1024;

function parseRequest(body: unknown) {
  if (typeof body !== 'string' || body.length > MAX_REQUEST) return undefined;
  const end = body.indexOf('\n\n');
  const [first, ...lines] = body.slice(0, Math.max(0, end)).split('\n');
  const old = /^old (0|[1-9]\d{0,15})$/.exec(first ?? '')?.[1];
  const proof = lines.map(decodeBase64);
  if (old === undefined || proof.length > 63 || proof.some((hash) => hash?.length !== 32)) return undefined;
  return { old: Number(old), proof: proof as Uint8Array[], checkpoint: body.slice(end + 2) };
}

function memory(): WitnessStore {
  const heads = new Map<string, WitnessedHead>();
  return {
    load: (origin) => heads.get(origin),
    save: (origin, head, before) => {
      const now = heads.get(origin);
      const isSame = now?.size === before?.size && now?.root === before?.root;
      if (isSame) heads.set(origin, head);
      return isSame;
    },
  };
}
