import type { CryptoProvider, Encapsulator, Verifier, X25519PublicKey } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { ErrorId } from '../errors/table.js';
import { decodeDidKey } from '../identity/did.js';
import { assertSuccessor, type RecordKeys, sameKeys, verifyKeyRecord } from '../identity/key-record.js';
import { MAX_SUCCESSIONS, overlapEnd, verifyChain } from '../identity/succession.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Clock, Did, KeyRecord, RegistryEntry, Version } from '../types/protocol.js';
import { type Awaitable, later, orElse } from '../util/awaitable.js';
import { BoundedMap } from '../util/bounded-map.js';

/** What is remembered about a peer between messages: imported keys, and the best it has shown. */
export interface Peer {
  readonly did: Did;
  readonly ed25519: Verifier;
  /** The newest key record seen, verified. */
  record: KeyRecord | undefined;
  keys: RecordKeys | undefined;
  /** Highest version received; nothing below it is taken any more, whatever record comes next. */
  shownVersion: Version;
  imported: { x25519?: X25519PublicKey; mlKem768?: Encapsulator | undefined; mlDsa65?: Verifier };
}

/** A peer and its registry entry as of this moment. */
export interface ResolvedPeer {
  readonly peer: Peer;
  readonly entry: RegistryEntry;
  /** Where it is known, and its keys can be had. */
  readonly peers: Peers;
}

/** What is wrong with a sender, or with a recipient. */
const ERRORS = {
  sender: {
    unknown: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    revoked: 'VERIFICATION_FAILED:DID_REVOKED',
    succeeded: 'VERIFICATION_FAILED:DID_SUCCEEDED',
  },
  recipient: {
    unknown: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
    revoked: 'LOOKUP_FAILED:DID_REVOKED',
    succeeded: 'LOOKUP_FAILED:DID_SUCCEEDED',
  },
} as const;

/** What a peer is resolved as. */
export type PeerRole = keyof typeof ERRORS;

/** Peers remembered at most. One that is forgotten is looked up and verified again, and may then show an older record. */
const CAPACITY = 10_000;

/**
 * Asks the registry about a peer at every message, checks the proof of its key record once, and keeps what must not go
 * backwards: the registry can withhold or delay a record, but not replace, roll back or weaken it.
 */
export class Peers {
  readonly #known = new BoundedMap<Did, Peer>(CAPACITY);
  readonly #registry: TrustRegistry;
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;

  constructor(registry: TrustRegistry, crypto: CryptoProvider, clock: Clock = Date.now) {
    this.#registry = registry;
    this.#crypto = crypto;
    this.#clock = clock;
  }

  /**
   * Throws `VERIFICATION_FAILED:…` for a sender or `LOOKUP_FAILED:…` for a recipient that is unknown, revoked or succeeded,
   * `LOOKUP_FAILED` if the registry is down, `KEY_RECORD_…` for bad keys.
   */
  resolve(did: Did, role: PeerRole): Awaitable<ResolvedPeer> {
    return later(this.#find(did, role), (found) => {
      if (this.#isOver(found)) throw xlinkError(ERRORS[role].succeeded);
      return found;
    });
  }

  /** The same of a recipient. Whoever took its place is taken in its place, once the overlap is over. */
  async resolveRecipient(to: Did): Promise<ResolvedPeer> {
    let found = await this.#find(to, 'recipient');
    for (let step = 0; this.#isOver(found); step++) {
      if (step === MAX_SUCCESSIONS) throw xlinkError(ERRORS.recipient.succeeded);
      const { peer, entry } = found;
      found = await this.#find(entry.succeededBy!.to, 'recipient', ERRORS.recipient.succeeded);
      const [from, next] = [peer, found.peer].map(({ did, record }) => ({ ...record, did }));
      await verifyChain([entry.succeededBy!], from!, next!, this.#crypto);
    }
    return found;
  }

  #isOver({ entry: { succeededBy } }: ResolvedPeer): boolean {
    return succeededBy !== undefined && this.#clock() > overlapEnd(succeededBy);
  }

  /** At once where the registry answers at once and the peer is known. */
  #find(did: Did, role: PeerRole, unknown: ErrorId = ERRORS[role].unknown): Awaitable<ResolvedPeer> {
    return later(this.#lookup(did), (entry) => {
      if (!entry) throw xlinkError(unknown);
      if (entry.status !== 'active') throw xlinkError(ERRORS[role].revoked);
      return later(this.#known.get(did) ?? this.#meet(did), (peer): Awaitable<ResolvedPeer> => {
        const found = { peer, entry, peers: this };
        if (!entry.keys && peer.record) throw xlinkError('KEY_RECORD_DOWNGRADED', { field: 'keys' });
        if (!entry.keys || isKnownOf(peer, entry.keys)) return found;
        return this.#adopt(peer, entry.keys).then(() => found);
      });
    });
  }

  /** Drops what is remembered about a peer, so that an older or weaker key record is taken again. */
  forget(did: Did): void {
    this.#known.delete(did);
  }

  #lookup(did: Did): Awaitable<RegistryEntry | undefined> {
    const answer = orElse(
      () => this.#registry.lookup(did),
      (cause) => {
        throw xlinkError('LOOKUP_FAILED', { cause });
      },
    );
    return later(answer, (entry) => entryOf(did, entry ?? undefined));
  }

  async #meet(did: Did): Promise<Peer> {
    const ed25519 = await this.#crypto.ed25519.verifier(decodeDidKey(did));
    const metMeanwhile = this.#known.get(did);
    if (metMeanwhile) return metMeanwhile;
    const peer = { did, ed25519, record: undefined, keys: undefined, shownVersion: 1, imported: {} } as const;
    this.#known.set(did, peer);
    return peer;
  }

  /** The same keys under a later epoch change nothing but the epoch: several instances sign their record each for itself. */
  async #adopt(peer: Peer, offered: KeyRecord): Promise<void> {
    const record = { ...offered };
    if (record.did !== peer.did) throw xlinkError('KEY_RECORD_INVALID', { field: 'did' });
    const keys = await verifyKeyRecord(record, peer.ed25519, this.#crypto);
    const known = peer.record; // read after the wait: another message may have brought a record meanwhile
    if (known) assertSuccessor(known, record);
    if (!known || !sameKeys(known, record)) Object.assign(peer, { record, keys, imported: {} });
    else if (record.epoch > known.epoch) peer.record = record;
  }

  /** The sender's ML-DSA key, imported once; `undefined` if it has none on record. */
  async mlDsa65(peer: Peer): Promise<Verifier | undefined> {
    if (!peer.keys?.mlDsa65) return undefined;
    return (peer.imported.mlDsa65 ??= await this.#crypto.mlDsa65.verifier(peer.keys.mlDsa65));
  }

  /** The recipient's encryption keys, imported once. Throws `KEY_AGREEMENT_FAILED…` where there are none to use, `KEY_RECORD_EXPIRED`. */
  async recipientKeys({ record, keys, imported }: Peer, now: number) {
    if (!record || !keys) throw xlinkError('KEY_AGREEMENT_FAILED:NO_KEY_RECORD', { field: 'keys' });
    if (now > record.notAfter) throw xlinkError('KEY_RECORD_EXPIRED', { field: 'notAfter' });
    const { keyEpoch } = record;
    const x25519 = (imported.x25519 ??= await this.#crypto.x25519.publicKey(keys.x25519));
    if (!keys.mlKem768) return { keyEpoch, x25519 };
    const encapsulator = (imported.mlKem768 ??= await this.#crypto.mlKem768.encapsulator(keys.mlKem768));
    if (!encapsulator) throw xlinkError('KEY_AGREEMENT_FAILED', { field: 'mlKem768' });
    return { keyEpoch, x25519, mlKem768: { bytes: keys.mlKem768, encapsulator } };
  }
}

/** The keys that are known of it already, or older ones. */
const isKnownOf = ({ record }: Peer, offered: KeyRecord): boolean =>
  record !== undefined && sameKeys(record, offered) && offered.epoch <= record.epoch;

/** What a registry answered about a DID. Throws `LOOKUP_FAILED` for what is no entry of it. */
function entryOf(did: Did, entry: RegistryEntry | undefined): RegistryEntry | undefined {
  if (entry === undefined) return undefined;
  if (typeof entry !== 'object' || entry.did !== did) throw xlinkError('LOOKUP_FAILED', { field: 'did' });
  assertScopes(entry, 'sendScopes');
  assertScopes(entry, 'receiveScopes');
  return entry;
}

/** A string would be searched for parts of it. */
function assertScopes(entry: RegistryEntry, field: 'sendScopes' | 'receiveScopes'): void {
  if (entry[field] !== undefined && !Array.isArray(entry[field]))
    throw xlinkError('LOOKUP_FAILED', { field });
}
