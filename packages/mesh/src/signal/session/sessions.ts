import { MeshError } from '../../errors/mesh-error.js';
import { equalBytes } from '../../util/bytes.js';
import type { Kem } from '../crypto/kem.js';
import { keyPairOf } from '../crypto/primitives.js';
import type { SignalEvent } from '../events.js';
import type { PrekeyDirectory } from '../prekeys/bundle.js';
import { assertFound, type PrekeyPool } from '../prekeys/pool.js';
import { identityStatement, type VerifiedBundle, type Verify, verifyBundle } from '../prekeys/signed.js';
import { decodeHeader } from '../ratchet/header.js';
import { decrypt, encrypt } from '../ratchet/ratchet.js';
import type { RatchetLimits } from '../ratchet/state.js';
import type { Records } from '../state/records.js';
import { type Begun, beginFrom, beginWith, type OwnKeys } from './handshake.js';
import { KeyedLock } from './keyed-lock.js';
import {
  decodeContent,
  decodeMessage,
  encodeContent,
  encodeMessage,
  type Kind,
  type Preamble,
  type WireMessage,
} from './message.js';
import {
  activeSession,
  findSession,
  type PeerRecord,
  type SessionRecord,
  withActive,
  withBegunByPeer,
  withSession,
} from './peer-record.js';
import { SessionRate } from './session-rate.js';

/** What {@link Sessions} works with. */
export interface SessionsOptions {
  readonly own: OwnKeys;
  readonly kem: Kem;
  readonly records: Records<PeerRecord>;
  readonly pool: PrekeyPool;
  readonly directory: PrekeyDirectory;
  readonly verify: Verify;
  readonly clock: () => number;
  readonly limits: RatchetLimits;
  readonly kemRatchet: boolean;
  readonly lastResort: 'allow' | 'refuse';
  readonly tell: (event: SignalEvent) => void;
  /** Told of each peer before the first session with it is written. */
  readonly onPeer: (did: string) => Promise<void>;
}

/** What was received. */
export interface Opened {
  readonly kind: Kind;
  readonly data: Uint8Array;
}

/** A message that is sealed and written, or what is missing for that. */
type Sealed = { readonly wire: Uint8Array } | { readonly needsBundle: true };

const NOTHING = new Uint8Array(0);

/** The sessions with all peers: what is sent is sealed here, and what comes is opened. State is written before either leaves. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #lock = new KeyedLock();
  readonly #begun = new SessionRate();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** The session that is sent in, as it is in memory or in the store. */
  async active(did: string): Promise<SessionRecord | undefined> {
    const loaded = await this.#options.records.load(this.#id(did));
    return 'held' in loaded ? loaded.held.value.sessions[0] : undefined;
  }

  /** Makes a handshake if there is no session. Throws `SIGNAL_PEER_UNKNOWN`, `SIGNAL_PREKEY_…`, `SIGNAL_DIRECTORY_FAILED`. */
  async ensure(did: string): Promise<void> {
    await this.#lock.run(did, async () => {
      if (!(await this.active(did))) await this.#seal(did, undefined);
    });
  }

  /** Seals a message for a peer, in a new session if there is none. What it resolves to may leave. */
  async seal(did: string, kind: Kind, data: Uint8Array): Promise<Uint8Array> {
    const content = encodeContent(kind, data);
    return this.#lock.run(did, () => this.#seal(did, content));
  }

  /** A new session in the place of all there are, and its first message. */
  async rekey(did: string): Promise<Uint8Array> {
    const content = encodeContent('rekey', NOTHING);
    return this.#lock.run(did, async () => {
      const bundle = await this.#fetch(did);
      return this.#seal(did, content, { bundle, replacing: true });
    });
  }

  /** Opens a message. Throws `SIGNAL_…`; nothing has changed then but that a prekey that was used is gone. */
  async open(from: string, bytes: Uint8Array): Promise<Opened> {
    const message = decodeMessage(bytes);
    return this.#lock.run(from, () => this.#open(from, message));
  }

  async #seal(
    did: string,
    content: Uint8Array | undefined,
    begin: { readonly bundle?: VerifiedBundle; readonly replacing?: boolean } = {},
  ): Promise<Uint8Array> {
    const { records, onPeer, own, tell } = this.#options;
    let { bundle } = begin;
    for (;;) {
      if (bundle) await onPeer(did);
      let opened: Preamble | undefined;
      const sealed: Sealed = await records.change<Sealed>(this.#id(did), async (before, lost) => {
        opened = undefined;
        let record = begin.replacing ? undefined : before;
        if (!record?.sessions[0]) {
          if (!bundle) return { result: { needsBundle: true } };
          if (lost) tell({ type: 'state-rolled-back', did });
          const begun = await this.#begin(bundle);
          opened = begun.preamble;
          record = withActive(record, begun);
        }
        return this.#encrypt(record, content);
      });
      if (!('needsBundle' in sealed)) {
        const by = { did, by: 'local', rekey: begin.replacing ?? false } as const;
        if (opened) tell({ type: 'session-opened', ...by, lastResort: opened.lastResort });
        return sealed.wire;
      }
      if (did === own.did) throw new MeshError('SIGNAL_PEER_UNKNOWN', { hint: 'This is the own DID.' });
      bundle = await this.#fetch(did);
    }
  }

  async #encrypt(record: PeerRecord, content: Uint8Array | undefined) {
    const { kem } = this.#options;
    if (!content) return { value: record, result: { wire: NOTHING } };
    const active = activeSession(record);
    const { state, header, sealed } = await encrypt(active.ratchet, content, { kem });
    const { session, preamble } = active;
    const wire = encodeMessage({ session, header, sealed, ...(preamble ? { preamble } : {}) });
    return { value: withSession(record, { ...active, ratchet: state }), result: { wire } };
  }

  async #begin(bundle: VerifiedBundle): Promise<SessionRecord & { readonly preamble: Preamble }> {
    const { own, kem, kemRatchet, clock } = this.#options;
    const now = clock();
    return { ...(await beginWith(own, bundle, kem, { kemRatchet, now })), confirmed: false, openedAt: now };
  }

  async #fetch(did: string): Promise<VerifiedBundle> {
    const { directory, verify, clock, lastResort } = this.#options;
    const bundle = await directory.fetch(did);
    if (!bundle) throw new MeshError('SIGNAL_PEER_UNKNOWN');
    const verified = await verifyBundle(bundle, did, verify, clock());
    if (verified.kem.lastResort && lastResort === 'refuse') throw new MeshError('SIGNAL_PREKEY_EXHAUSTED');
    return verified;
  }

  async #open(from: string, message: WireMessage): Promise<Opened> {
    const { records, limits, clock, kem, pool, tell, onPeer } = this.#options;
    const header = decodeHeader(message.header);
    const { preamble } = message;
    let hasBegun = false;
    const opened = await records.change<Opened>(this.#id(from), async (before, lost) => {
      const there = findSession(before, message.session);
      hasBegun = there === undefined;
      if (lost) tell({ type: 'state-rolled-back', did: from });
      if (!there && !preamble)
        throw new MeshError(lost ? 'SIGNAL_STATE_ROLLED_BACK' : 'SIGNAL_UNKNOWN_SESSION');
      const session = there ?? (await this.#beginFrom(from, message.session, preamble!));
      const { state, plaintext } = await decrypt(
        session.ratchet,
        header,
        message.sealed,
        limits,
        clock(),
        kem,
      );
      const content = decodeContent(plaintext);
      if (!there) await onPeer(from); // once it is known whose it is; again does nothing
      const { preamble: _answered, ...rest } = session;
      const changed = { ...rest, ratchet: state, confirmed: true };
      const value =
        content.kind === 'rekey'
          ? { sessions: [changed] }
          : there
            ? withSession(before!, changed)
            : withBegunByPeer(before, changed);
      return { value, result: content };
    });
    if (preamble) await pool.useUp(preamble, message.session);
    if (preamble && hasBegun) {
      this.#begun.count(from, clock());
      const { lastResort } = preamble;
      tell({ type: 'session-opened', did: from, by: 'peer', lastResort, rekey: opened.kind === 'rekey' });
    }
    return opened;
  }

  async #beginFrom(from: string, name: Uint8Array, preamble: Preamble): Promise<SessionRecord> {
    const { own, kem, pool, verify, clock } = this.#options;
    this.#begun.assertRoom(from, clock());
    if (preamble.lastResort && (await pool.hasBegun(name))) throw new MeshError('SIGNAL_DUPLICATE');
    if (!(await verify(from, identityStatement(from, preamble.identity), preamble.signature)))
      throw new MeshError('SIGNAL_IDENTITY_MISMATCH');
    const keys = assertFound(await pool.find(preamble));
    const kemPublic = (await kem.newPair(keys.kem)).public;
    const oneTimePublic = keys.oneTime && keyPairOf(keys.oneTime).public;
    const withPublic = { ...keys, kemPublic, ...(oneTimePublic ? { oneTimePublic } : {}) };
    const begun: Begun = await beginFrom(own, from, preamble, withPublic, kem, clock());
    if (!equalBytes(begun.session, name)) throw new MeshError('SIGNAL_IDENTITY_MISMATCH');
    return { ...begun, confirmed: true, openedAt: clock() };
  }

  #id(did: string): string {
    return `signal/${this.#options.own.did}/peer/${did}`;
  }
}
