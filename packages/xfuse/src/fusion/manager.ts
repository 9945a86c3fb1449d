import type { CryptoProvider, Did, Identity } from '@private.me/xlink';
import { type Ial, readProofing } from '../attest/proofing.js';
import { XfuseError } from '../errors.js';
import { signSession } from '../session/certificate.js';
import { MemorySessionLedger, type SessionLedger } from '../session/ledger.js';
import { type Argon2Cost, argon2Cost } from '../signals/argon2.js';
import { stepOf, totpSecret } from '../signals/totp.js';
import { Attempts } from '../util/attempts.js';
import { toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, integerIn, isText } from '../util/options.js';
import { platformCrypto } from '../util/sealing.js';
import { type Aal, aalOf, type Factor, factorsOf } from './assurance.js';
import { assertIal, checkFusionOptions, type FusionOptions } from './options.js';
import { type FusionRecord, readRecord, type SignalType } from './record.js';
import { checkSignal, type NewSignal, type PresentedSignal, readySignal, releasedKeys } from './signals.js';
import { type FusionStore, fromStore, MemoryFusionStore } from './store.js';
import { type KeyedSignal, keySignal, Vault } from './vault.js';

/** Options of `converge`. */
export interface ConvergeOptions {
  /** Where the session is good: a DID or an origin. Default: that of the manager. */
  readonly audience?: string;
  /** Makes the session another one; a service may choose it. Default: 16 random bytes as base64url. */
  readonly nonce?: string;
  /** How long it lasts, in ms, a second to 24 hours. Default: that of the manager. */
  readonly sessionMs?: number;
}

/** A session that signals converged to. */
export interface Converged {
  /** DID of the session: another one each time. */
  readonly did: Did;
  /** Its keys: `Agent.from` and `xlinkFetch` take them. */
  readonly identity: Identity;
  /** The stable DID, which vouches for it. */
  readonly fusedDid: Did;
  /** What the fused DID signed about the session; show it to the audience. */
  readonly certificate: string;
  /** How the person was authenticated. */
  readonly aal: Aal;
  /** How she was proofed; absent unless a trusted issuer said so. */
  readonly ial?: Ial;
  /** `ial`, and without one `aal`. */
  readonly assuranceLevel: Ial | Aal;
  /** What the signals proved. */
  readonly factors: readonly Factor[];
  /** Ms since 1970. */
  readonly expiresAt: number;
}

/** A signal that is enrolled. */
export interface EnrolledSignal {
  /** Its id in this account. */
  readonly id: string;
  /** Which type it is. */
  readonly type: SignalType;
  /** Of a device: what holds its key. */
  readonly kind?: string;
}

/**
 * Makes an identity of several signals: any `threshold` of `totalSignals` open a secret, from which the DID of a session follows, and a
 * stable fused DID that certifies it. One manager per account; it runs where the signals are given, in Node or a browser.
 */
export class FusionManager {
  /** Name of the account. */
  readonly account: string;
  readonly #options: FusionOptions;
  readonly #store: FusionStore;
  readonly #ledger: SessionLedger;
  readonly #attempts: Attempts;
  readonly #argon2: Argon2Cost;
  readonly #clock: () => number;
  readonly #pending: KeyedSignal[] = [];
  #pendingGate: Uint8Array | undefined;

  /** Throws `INVALID_OPTION`. */
  constructor(options: FusionOptions) {
    checkFusionOptions(options);
    this.#options = options;
    this.account = options.account ?? crypto.randomUUID();
    this.#store = options.store ?? new MemoryFusionStore();
    this.#clock = options.clock ?? Date.now;
    this.#ledger = options.sessions ?? new MemorySessionLedger(this.#clock);
    this.#attempts = new Attempts('FusionManager: limits', options.limits);
    this.#argon2 = argon2Cost('FusionManager: argon2', options.argon2);
  }

  /**
   * Enrolls one of `totalSignals`. With the last one the rule is checked and the record is saved; before that nothing is. `totp` is a
   * gate, and none of them: it must come before the last one. Rejects with `BIOMETRIC_TEMPLATE_REFUSED`, `SIGNAL_…`, `SIGNALS_GUESSABLE`.
   */
  async enrollSignal(
    signal: NewSignal | { readonly type: 'totp'; readonly value: string | Uint8Array },
  ): Promise<void> {
    checkSignal(signal);
    if (await this.#load()) throw new XfuseError('SIGNALS_COMPLETE');
    if (signal.type === 'totp') {
      this.#pendingGate = totpSecret(signal.value);
      return;
    }
    const provider = await this.#crypto();
    const keyed = await keySignal(
      provider,
      this.account,
      await readySignal(signal, await this.#tools(provider)),
    );
    if (this.#pending.length >= this.#options.totalSignals) throw new XfuseError('SIGNALS_COMPLETE');
    if (this.#pending.some(({ stored }) => stored.id === keyed.stored.id))
      throw new XfuseError('SIGNAL_DUPLICATE');
    this.#pending.push(keyed);
    if (this.#pending.length < this.#options.totalSignals) return;
    const vault = await Vault.of(provider, provider.randomBytes(32));
    try {
      const gate = this.#pendingGate && (await vault.sealGate(this.account, this.#pendingGate));
      const { threshold } = this.#options;
      const facts = { account: this.account, threshold, generation: 1, ...(gate ? { gate } : {}) };
      await this.#save(await vault.deal(facts, [...this.#pending]), undefined);
      this.#pending.length = 0;
    } catch (error) {
      // The last signal was refused: another one can take its place.
      this.#pending.splice(this.#pending.indexOf(keyed), 1);
      throw error;
    } finally {
      vault.close();
    }
  }

  /** Opens a session with enough signals. Rejects with `SIGNALS_TOO_FEW`, `SIGNALS_REFUSED`, `ATTEMPTS_EXCEEDED`, `ATTESTATION_INVALID…`, `RECORD_…`. */
  async converge(signals: readonly PresentedSignal[], options: ConvergeOptions = {}): Promise<Converged> {
    checkNames('converge', options, ['audience', 'nonce', 'sessionMs']);
    checkValue('converge', 'audience', options.audience, isText, 'a text');
    checkValue('converge', 'nonce', options.nonce, isText, 'a text');
    checkValue(
      'converge',
      'sessionMs',
      options.sessionMs,
      integerIn(1000, 86_400_000),
      'ms, a second to 24 hours',
    );
    const audience = options.audience ?? this.#options.audience ?? 'local';
    const { record, vault, presented } = await this.#open(signals, audience);
    try {
      const now = this.#clock();
      const ial = await this.#ialOf(record, now);
      assertIal(this.#options.ial, ial);
      const nonce = options.nonce ?? toBase64url(vault.crypto.randomBytes(16));
      const identity = await vault.session(audience, nonce);
      const factors = factorsOf(presented);
      const aal = aalOf(factors);
      const expiresAt = now + (options.sessionMs ?? this.#options.sessionMs ?? 3_600_000);
      const fused = vault.fused.did;
      const certificate = await signSession(vault.fused, {
        fused,
        session: identity.did,
        audience,
        nonce,
        aal,
        ...(ial ? { ial } : {}),
        factors,
        generation: record.generation,
        issuedAt: now,
        expiresAt,
      });
      await this.#ledger.open({ fused, session: identity.did, expiresAt });
      return {
        did: identity.did,
        identity,
        fusedDid: fused,
        certificate,
        aal,
        ...(ial ? { ial } : {}),
        assuranceLevel: ial ?? aal,
        factors,
        expiresAt,
      };
    } finally {
      vault.close();
    }
  }

  /** The stable DID: what a service registers, and what others see of this account. */
  async fusedDid(): Promise<Did> {
    return (await this.#enrolled()).fusedDid;
  }

  /** The signals that are enrolled. */
  async signals(): Promise<EnrolledSignal[]> {
    const { signals } = await this.#enrolled();
    return signals.map(({ id, type, kind }) => ({ id, type, ...(kind === undefined ? {} : { kind }) }));
  }

  /** Adds a signal; the threshold stays. `signals`: enough of those that are enrolled. */
  async addSignal(signals: readonly PresentedSignal[], signal: NewSignal): Promise<void> {
    await this.#change(signals, [], [signal]);
  }

  /** Removes a signal, deals new shares to the others, and ends all sessions. */
  async removeSignal(signals: readonly PresentedSignal[], id: string): Promise<void> {
    await this.#change(signals, [id], []);
  }

  /** Puts a signal in the place of another one, such as a new device or password, and ends all sessions. */
  async replaceSignal(signals: readonly PresentedSignal[], id: string, signal: NewSignal): Promise<void> {
    await this.#change(signals, [id], [signal]);
  }

  /** After a loss: removes the signals that are gone, enrolls new ones, and ends all sessions, in one step. `signals`: enough of those that are left. */
  async recover(
    signals: readonly PresentedSignal[],
    lost: readonly string[],
    replacements: readonly NewSignal[],
  ): Promise<void> {
    await this.#change(signals, lost, replacements);
  }

  /** Adds who proofed the person. Rejects with `ATTESTATION_INVALID…`. */
  async addProofing(statement: string): Promise<void> {
    const record = await this.#enrolled();
    const next = { ...record, proofing: statement };
    await readProofing(await this.#crypto(), statement, this.#proofedBy(record));
    await this.#save(next, record.generation);
  }

  /** Ends one session. */
  async endSession(did: Did): Promise<void> {
    await this.#ledger.end(did);
    await this.#options.registry?.revoke(did);
  }

  /** Signs out everywhere. */
  async endAllSessions(): Promise<void> {
    const { fusedDid } = await this.#enrolled();
    for (const did of await this.#ledger.endAll(fusedDid)) await this.#options.registry?.revoke(did);
  }

  async #change(
    signals: readonly PresentedSignal[],
    removed: readonly string[],
    added: readonly NewSignal[],
  ): Promise<void> {
    for (const signal of added) checkSignal(signal);
    const audience = this.#options.audience ?? 'local';
    const { record, vault } = await this.#open(signals, audience);
    try {
      if (!removed.every((id) => record.signals.some((one) => one.id === id)))
        throw new XfuseError('SIGNAL_NOT_ENROLLED');
      const stay = (await vault.keyed(record)).filter(({ stored }) => !removed.includes(stored.id));
      const tools = await this.#tools(vault.crypto);
      for (const signal of added)
        stay.push(await keySignal(vault.crypto, this.account, await readySignal(signal, tools)));
      if (stay.length < record.threshold)
        throw new XfuseError('SIGNALS_TOO_FEW', {
          hint: 'Enroll another one first: fewer would be left than the threshold.',
        });
      const { account, threshold, gate, proofing } = record;
      const facts = {
        account,
        threshold,
        generation: record.generation + 1,
        ...(gate ? { gate } : {}),
        ...(proofing ? { proofing } : {}),
      };
      await this.#save(await vault.deal(facts, stay), record.generation);
    } finally {
      vault.close();
    }
    if (removed.length) await this.endAllSessions();
  }

  async #open(signals: readonly PresentedSignal[], audience: string) {
    for (const signal of signals) checkSignal(signal);
    const counted = signals.filter(({ type }) => type !== 'totp');
    const record = await this.#enrolled();
    if (counted.length < record.threshold) throw new XfuseError('SIGNALS_TOO_FEW');
    if (counted.length > record.signals.length) throw new XfuseError('SIGNAL_DUPLICATE');
    await this.#attempts.take('converge', this.account);
    const provider = await this.#crypto();
    const tools = await this.#tools(provider, audience);
    const released = await releasedKeys(record, counted, tools);
    const vault = await Vault.open(provider, record, released);
    try {
      if (record.gate) await this.#passGate(vault, record.gate, signals);
    } catch (error) {
      vault.close();
      throw error;
    }
    return { record, vault, presented: released.map(({ stored }) => stored!) };
  }

  async #passGate(vault: Vault, gate: string, signals: readonly PresentedSignal[]): Promise<void> {
    const code = signals.find(({ type }) => type === 'totp')?.value;
    const secret = await vault.openGate(this.account, gate);
    const step = typeof code === 'string' ? stepOf(secret, code, this.#clock()) : undefined;
    // A code counts once (RFC 6238 section 5.2), in every instance that shares the counts.
    const isFirst =
      step !== undefined && (await this.#attempts.isFirst(`totp:${this.account}:${step}`, 180_000));
    if (!isFirst) throw new XfuseError('TOTP_REFUSED');
  }

  async #ialOf(record: FusionRecord, now: number): Promise<Ial | undefined> {
    if (record.proofing === undefined) return undefined;
    return readProofing(await this.#crypto(), record.proofing, { ...this.#proofedBy(record), now });
  }

  #proofedBy({ fusedDid }: FusionRecord) {
    return { issuers: this.#options.proofingIssuers ?? [], subject: fusedDid, now: this.#clock() };
  }

  async #tools(provider: CryptoProvider, audience = 'local') {
    const { oprf } = this.#options;
    const { account } = this;
    return {
      crypto: provider,
      account,
      audience,
      argon2: this.#argon2,
      now: this.#clock(),
      ...(oprf ? { oprf } : {}),
    };
  }

  async #crypto(): Promise<CryptoProvider> {
    return this.#options.crypto ?? platformCrypto();
  }

  async #load(): Promise<FusionRecord | undefined> {
    const found: unknown = await fromStore(() => this.#store.load(this.account));
    if (found === undefined || found === null) return undefined;
    const record = readRecord(found, this.account);
    // Fewer signals than asked for here are not enough, whatever a record says.
    if (record.threshold < this.#options.threshold) throw new XfuseError('RECORD_INVALID:WEAK');
    return record;
  }

  async #enrolled(): Promise<FusionRecord> {
    const record = await this.#load();
    if (!record) throw new XfuseError('SIGNALS_INCOMPLETE');
    return record;
  }

  async #save(record: FusionRecord, ifGeneration: number | undefined): Promise<void> {
    const saved = await fromStore(() => this.#store.save(record, ifGeneration));
    if (!saved) throw new XfuseError('RECORD_CHANGED');
  }
}
