import type { CryptoProvider, Did } from '@private.me/xlink';
import { IALS, type Ial, readProofing } from '../attest/proofing.js';
import { isXfuseError, XfuseError } from '../errors.js';
import { signSession } from '../session/certificate.js';
import { MemorySessionLedger, type SessionLedger } from '../session/ledger.js';
import { type Argon2Cost, argon2Cost } from '../signals/argon2.js';
import { isCode, stepOf, totpSecret } from '../signals/totp.js';
import { Attempts } from '../util/attempts.js';
import { toBase64url } from '../util/bytes.js';
import { defaultLimits } from '../util/default-limits.js';
import { checkNames, checkValue, integerIn, isText } from '../util/options.js';
import { platformCrypto } from '../util/sealing.js';
import { aalOf, factorsOf } from './assurance.js';
import type { Converged, ConvergeOptions, EnrolledSignal } from './converged.js';
import { assertIal, checkFusionOptions, type FusionOptions } from './options.js';
import { type FusionRecord, readRecord } from './record.js';
import {
  assertStatements,
  checkSignal,
  type NewGate,
  type NewSignal,
  type PresentedSignal,
  readySignal,
  releasedKeys,
} from './signals.js';
import { type FusionStore, fromStore, MemoryFusionStore } from './store.js';
import { assertOthers } from './twins.js';
import { type KeyedSignal, keySignal, Vault } from './vault.js';

/** Type and id of the gate. */
const GATE = 'totp';
const DEVICES: readonly string[] = ['device', 'biometric'];

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
    const store = options.limits?.store ?? defaultLimits(this.#store);
    this.#attempts = new Attempts('FusionManager: limits', { ...options.limits, store });
    this.#argon2 = argon2Cost('FusionManager: argon2', options.argon2);
  }

  /**
   * Enrolls one of `totalSignals`. With the last one the rule is checked and the record is saved; before that nothing is. `totp` is a
   * gate, and none of them: it must come before the last one. Rejects with `BIOMETRIC_TEMPLATE_REFUSED`, `SIGNAL_…`, `SIGNALS_GUESSABLE`.
   */
  async enrollSignal(signal: NewSignal | NewGate): Promise<void> {
    checkSignal(signal);
    if (await this.#load()) throw new XfuseError('SIGNALS_COMPLETE');
    if (signal.type === 'totp') {
      this.#pendingGate = totpSecret(signal.value);
      return;
    }
    const provider = await this.#crypto();
    const keyed = await this.#keyed(provider, signal, this.#pending);
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
      const ial = await this.#ialOf(record);
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
      // Signals that were changed meanwhile end all sessions; one that is noted after that look would outlive it.
      if ((await this.#enrolled()).generation !== record.generation) {
        await this.endSession(identity.did);
        throw new XfuseError('RECORD_CHANGED');
      }
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

  /** Counts changes of the signals; `verifySession` can ask for the one of now. */
  async generation(): Promise<number> {
    return (await this.#enrolled()).generation;
  }

  /** The signals that are enrolled, and the gate, if there is one. */
  async signals(): Promise<EnrolledSignal[]> {
    const { signals, gate } = await this.#enrolled();
    const all = signals.map(({ id, type, kind }) => ({ id, type, ...(kind === undefined ? {} : { kind }) }));
    return gate === undefined ? all : [...all, { id: GATE, type: GATE }];
  }

  /** Adds a signal; the threshold stays. `signals`: enough of those that are enrolled. Not for a `totp`, which is replaced. */
  async addSignal(signals: readonly PresentedSignal[], signal: NewSignal): Promise<void> {
    await this.#change(signals, [], [signal]);
  }

  /** Removes a signal (or the gate, `totp`: see `recover`), deals new shares to the others, and ends all sessions. */
  async removeSignal(signals: readonly PresentedSignal[], id: string): Promise<void> {
    await this.#change(signals, [id], []);
  }

  /** Puts a signal in the place of another one, such as a new device or password, and ends all sessions. */
  async replaceSignal(
    signals: readonly PresentedSignal[],
    id: string,
    signal: NewSignal | NewGate,
  ): Promise<void> {
    await this.#change(signals, [id], [signal]);
  }

  /**
   * After a loss: removes the signals that are gone, enrolls new ones, and ends all sessions, in one step. `signals`: enough of those that
   * are left. A gate whose secret is lost goes without a code, as `totp` among `lost`, if a device or recovery code is presented.
   */
  async recover(
    signals: readonly PresentedSignal[],
    lost: readonly string[],
    replacements: readonly (NewSignal | NewGate)[],
  ): Promise<void> {
    await this.#change(signals, lost, replacements);
  }

  /** Adds who proofed the person. Rejects with `ATTESTATION_INVALID…`, and with `PROOFING_LOWER` in the place of a higher level that is still good. */
  async addProofing(statement: string): Promise<void> {
    const record = await this.#enrolled();
    const next = { ...record, proofing: statement };
    const ial = await readProofing(await this.#crypto(), statement, this.#proofedBy(record));
    const had = await this.#goodIal(record);
    if (had && IALS.indexOf(had) > IALS.indexOf(ial)) throw new XfuseError('PROOFING_LOWER');
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
    added: readonly (NewSignal | NewGate)[],
  ): Promise<void> {
    for (const list of [removed, added])
      if (!Array.isArray(list)) throw new XfuseError('SIGNAL_INVALID', { field: 'signals' });
    for (const signal of added) checkSignal(signal);
    const losesGate = removed.includes(GATE);
    const gates = added.filter((one): one is NewGate => one.type === GATE);
    const secrets = gates.map(({ value }) => totpSecret(value));
    if (gates.length > (losesGate ? 1 : 0))
      throw new XfuseError('SIGNAL_INVALID', {
        field: 'type',
        hint: "A totp is a gate: enroll it with enrollSignal before the last signal, or put it in the place of the present one with replaceSignal(signals, 'totp', gate).",
      });
    const audience = this.#options.audience ?? 'local';
    const { record, vault } = await this.#open(signals, audience, losesGate);
    try {
      const known = [...record.signals.map(({ id }) => id), ...(record.gate === undefined ? [] : [GATE])];
      if (!removed.every((id) => known.includes(id))) throw new XfuseError('SIGNAL_NOT_ENROLLED');
      const stay = (await vault.keyed(record)).filter(({ stored }) => !removed.includes(stored.id));
      for (const signal of added)
        if (signal.type !== GATE) stay.push(await this.#keyed(vault.crypto, signal, stay));
      if (stay.length < record.threshold)
        throw new XfuseError('SIGNALS_TOO_FEW', {
          hint: 'Enroll another one first: fewer would be left than the threshold.',
        });
      const { account, threshold, proofing } = record;
      const gate = losesGate ? secrets[0] && (await vault.sealGate(account, secrets[0])) : record.gate;
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

  /** What is not in form, or no secret, is refused before an attempt is counted. `losesGate`: the gate needs no code if a device is presented. */
  async #open(signals: readonly PresentedSignal[], audience: string, losesGate = false) {
    if (!Array.isArray(signals)) throw new XfuseError('SIGNAL_INVALID', { field: 'signals' });
    for (const signal of signals) checkSignal(signal);
    const counted = signals.filter(({ type }) => type !== 'totp');
    const record = await this.#enrolled();
    if (counted.length < record.threshold) throw new XfuseError('SIGNALS_TOO_FEW');
    if (counted.length > record.signals.length) throw new XfuseError('SIGNAL_DUPLICATE');
    const code = signals.find(({ type }) => type === GATE)?.value;
    const mayPass = losesGate && code === undefined && counted.some(({ type }) => DEVICES.includes(type));
    if (record.gate && !mayPass && !isCode(code)) throw new XfuseError('TOTP_REFUSED');
    const provider = await this.#crypto();
    const tools = await this.#tools(provider, audience);
    await assertStatements(record, counted, tools);
    await this.#attempts.take('converge', this.account);
    const released = await releasedKeys(record, counted, tools);
    const vault = await Vault.open(provider, record, released);
    try {
      if (record.gate && !mayPass) await this.#passGate(vault, record.gate, code as string);
    } catch (error) {
      vault.close();
      throw error;
    }
    return { record, vault, presented: released.map(({ stored }) => stored!) };
  }

  /** Says the same as of wrong signals: otherwise a wrong code would tell that the signals were right. */
  async #passGate(vault: Vault, gate: string, code: string): Promise<void> {
    const secret = await vault.openGate(this.account, gate);
    const step = stepOf(secret, code, this.#clock());
    // A code counts once (RFC 6238 section 5.2), in every instance that shares the counts.
    const isFirst =
      step !== undefined && (await this.#attempts.isFirst(`totp:${this.account}:${step}`, 180_000));
    if (!isFirst) throw new XfuseError('SIGNALS_REFUSED');
  }

  /** The level, or none where the statement is not good any more; an error then only if a level is demanded. */
  async #ialOf(record: FusionRecord): Promise<Ial | undefined> {
    if (this.#options.ial === undefined) return this.#goodIal(record);
    if (record.proofing === undefined) return undefined;
    return readProofing(await this.#crypto(), record.proofing, this.#proofedBy(record));
  }

  async #goodIal(record: FusionRecord): Promise<Ial | undefined> {
    if (record.proofing === undefined) return undefined;
    try {
      return await readProofing(await this.#crypto(), record.proofing, this.#proofedBy(record));
    } catch (error) {
      if (isXfuseError(error) && error.code === 'ATTESTATION_INVALID') return undefined;
      throw error;
    }
  }

  async #keyed(crypto: CryptoProvider, signal: NewSignal, others: readonly KeyedSignal[]) {
    const tools = await this.#tools(crypto);
    const ready = await readySignal(signal, tools);
    await assertOthers(signal, ready, others, tools);
    return keySignal(crypto, this.account, ready);
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
