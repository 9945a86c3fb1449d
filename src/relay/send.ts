import { Peers } from '../agent/peers.js';
import { checkTimestamp, DEFAULT_TIMESTAMP_WINDOW_MS, nonceTtlMs } from '../checks/timestamp.js';
import type { CryptoProvider, Verifier } from '../crypto/provider.js';
import { verifySignatures } from '../envelope/open.js';
import { DEFAULT_MAX_ENVELOPE_BYTES, type ParsedEnvelope, parseEnvelope } from '../envelope/parse.js';
import { headerTranscript, signatureTranscript } from '../envelope/transcript.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeDidKey } from '../identity/did.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { TokenBucket } from '../util/token-bucket.js';
import { type Admits, admit } from './admission.js';
import type { RelayOptions } from './options.js';
import type { AddOutcome, Posted } from './store.js';

/**
 * Takes in what is sent: in form, fresh, signed by its sender (Ed25519, which the DID alone can check, and ML-DSA where a registry
 * has the key; the recipient checks everything again), from and to DIDs that the relay serves, and within the quotas. The payload is neither readable nor
 * read.
 *
 * Whoever saw an envelope can send copies of it. They are answered as the first one was, and count for its sender in nothing.
 */
export class Intake {
  readonly #options: RelayOptions;
  readonly #admits: Admits;
  readonly #pace: TokenBucket;
  /** Envelopes on their way into the store: copies that come meanwhile wait for the first one, and get its answer. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Where the relay has a registry: the senders in it, and their ML-DSA keys. */
  readonly #peers: Peers | undefined;
  readonly #verifiers = new BoundedMap<Did, Verifier>(10_000);

  constructor(options: RelayOptions, admits: Admits) {
    this.#options = options;
    this.#admits = admits;
    const registry = options.registry as TrustRegistry | undefined; // nothing but lookup is called
    this.#peers = registry && new Peers(registry, options.identity.crypto, options.clock);
    this.#pace = new TokenBucket(options.sendsPerMinute ?? 600, options.clock ?? Date.now, 100_000);
  }

  /**
   * Resolves once the store has the envelope. Throws what it is refused with. `arrivedAt`: when the head of the request came,
   * in ms since 1970; a slow line makes no envelope old. `wantsReceipt`: its sender asks for a receipt.
   */
  async take(body: Uint8Array, arrivedAt: number, wantsReceipt = false): Promise<void> {
    const { maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES } = this.#options;
    const { timestampWindowMs = DEFAULT_TIMESTAMP_WINDOW_MS, identity } = this.#options;
    const envelope = parseEnvelope(body, maxEnvelopeBytes);
    const { from, to, timestamp, kind } = envelope.fields;
    if (kind !== 'message' && kind !== 'receipt') throw xlinkError('KIND_NOT_ACCEPTED', { field: 'kind' });
    checkTimestamp(timestamp, arrivedAt, timestampWindowMs);
    await this.#verify(identity.crypto, envelope);
    await admit(this.#admits, from, 'RELAY_NOT_ALLOWED');
    await admit(this.#admits, to, 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
    await this.#verifyPq(identity.crypto, envelope);
    const copiesForMs = nonceTtlMs(timestampWindowMs);
    const asks = wantsReceipt && kind === 'message' ? { receipt: true as const } : {};
    await this.#once({ envelope: envelope.fields, bytes: body.length, copiesForMs, ...asks });
  }

  #once(message: Posted): Promise<void> {
    const { from, to, nonce } = message.envelope;
    const key = `${to} ${from} ${nonce}`;
    const first = this.#underWay.get(key);
    if (first) return first;
    const kept = this.#keep(message).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, kept);
    return kept;
  }

  async #keep(message: Posted): Promise<void> {
    const { store } = this.#options;
    const { from } = message.envelope;
    if (!this.#pace.take(from)) {
      if (await orUnavailable(() => store.knows(message.envelope))) return;
      throw xlinkError('SEND_FAILED:QUOTA');
    }
    let outcome: AddOutcome | undefined;
    try {
      outcome = await orUnavailable(() => store.add(message));
    } finally {
      if (outcome !== 'stored') this.#pace.giveBack(from);
    }
    if (outcome === 'sender-full') throw xlinkError('SEND_FAILED:QUOTA');
    if (outcome === 'mailbox-full') throw xlinkError('SEND_FAILED:MAILBOX_FULL');
  }

  async #verify(crypto: CryptoProvider, envelope: ParsedEnvelope): Promise<void> {
    const { from } = envelope.fields;
    let verifier = this.#verifiers.get(from);
    if (!verifier) this.#verifiers.set(from, (verifier = await crypto.ed25519.verifier(decodeDidKey(from))));
    const transcript = await signatureTranscript(crypto, envelope, headerTranscript(envelope));
    if (!(await verifier.verify(transcript, envelope.bytes.signature!)))
      throw xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
  }

  /**
   * The one thing that the other signature does not cover: a copy with another ML-DSA signature, which the recipient refuses,
   * must not be taken in place of the envelope. Checked where the registry has the key.
   */
  async #verifyPq(crypto: CryptoProvider, envelope: ParsedEnvelope): Promise<void> {
    if (!this.#peers || !envelope.suite.pqSignature) return;
    const { peer } = await this.#peers.resolve(envelope.fields.from, 'sender');
    const mlDsa65 = await this.#peers.mlDsa65(peer);
    if (mlDsa65) await verifySignatures(crypto, { ed25519: peer.ed25519, mlDsa65 }, envelope);
  }
}

/** Throws `RELAY_UNAVAILABLE` for whatever a store fails with. */
export async function orUnavailable<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw xlinkError('RELAY_UNAVAILABLE', { cause });
  }
}
