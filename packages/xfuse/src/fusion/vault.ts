import { type CryptoProvider, Identity } from '@private.me/xlink';
import { XfuseError } from '../errors.js';
import { equalBytes, fromBase64url, lengthPrefixed, toBase64url, utf8, wipe } from '../util/bytes.js';
import { deriveKey, seal, unseal } from '../util/sealing.js';
import { type FusionRecord, macInput, type StoredSignal } from './record.js';
import { assertUnguessable } from './rule.js';
import { dealShares, joinShares } from './shares.js';
import type { ReadySignal } from './signals.js';

/** A signal whose share key is known. */
export interface KeyedSignal {
  readonly stored: Omit<StoredSignal, 'managed' | 'share'>;
  /** 32 bytes: the key of its share. */
  readonly shareKey: Uint8Array;
}

/** What a sealed part is bound to. */
export const about = (what: string, account: string, id: string) =>
  lengthPrefixed('xlink/1 xfuse', what, account, id);

/** A new signal gets a share key of its own, which its own key wraps. */
export async function keySignal(
  crypto: CryptoProvider,
  account: string,
  { description, key }: ReadySignal,
): Promise<KeyedSignal> {
  const shareKey = crypto.randomBytes(32);
  const wrapped = await seal(crypto, key, about('wrap', account, description.id), shareKey);
  wipe(key);
  return { stored: { ...description, wrapped }, shareKey };
}

/** The shared secret and what follows from it. */
export class Vault {
  private constructor(
    readonly crypto: CryptoProvider,
    readonly secret: Uint8Array,
    /** The stable identity, which certifies sessions. */
    readonly fused: Identity,
  ) {}

  /** From the secret of 32 bytes. */
  static async of(crypto: CryptoProvider, secret: Uint8Array): Promise<Vault> {
    // The label as it is, without a length: the only part.
    const seed = await crypto.hkdf(secret, utf8('xlink/1 xfuse root'), 32);
    return new Vault(crypto, secret, await Identity.fromSeed(seed, { crypto }));
  }

  /** From the signals that were presented. Rejects with `SIGNALS_REFUSED`, `SHARES_…`, `RECORD_INVALID:TAMPERED`. */
  static async open(
    crypto: CryptoProvider,
    record: FusionRecord,
    released: readonly { readonly stored: StoredSignal | undefined; readonly key: Uint8Array | undefined }[],
  ): Promise<Vault> {
    const { account } = record;
    // All are tried before any is found wrong, so that neither words nor times say which one it was.
    const opened = await Promise.all(
      released.map(async ({ stored, key }) => {
        if (!stored || !key) return undefined;
        const shareKey = await unseal(crypto, key, about('wrap', account, stored.id), stored.wrapped);
        wipe(key);
        return shareKey && { stored, shareKey };
      }),
    );
    if (opened.includes(undefined)) throw new XfuseError('SIGNALS_REFUSED');
    const shares = await Promise.all(
      (opened as { stored: StoredSignal; shareKey: Uint8Array }[]).map(async ({ stored, shareKey }) => {
        const share = await unseal(crypto, shareKey, about('share', account, stored.id), stored.share);
        wipe(shareKey);
        if (!share) throw new XfuseError('SHARES_DAMAGED');
        return share;
      }),
    );
    const vault = await Vault.of(crypto, await joinShares(crypto, shares));
    wipe(...shares);
    const isWhole = equalBytes(await vault.#mac(record), fromBase64url(record.mac) ?? new Uint8Array());
    if (!isWhole || vault.fused.did !== record.fusedDid) throw new XfuseError('RECORD_INVALID:TAMPERED');
    return vault;
  }

  /** Deals new shares of the secret, and makes the record of them. Throws `SIGNALS_GUESSABLE`, `SIGNAL_DUPLICATE`. */
  async deal(
    facts: Pick<FusionRecord, 'account' | 'threshold' | 'generation' | 'gate' | 'proofing'>,
    signals: readonly KeyedSignal[],
  ): Promise<FusionRecord> {
    const { crypto } = this;
    const { account, threshold } = facts;
    assertUnguessable(
      signals.map(({ stored }) => stored),
      threshold,
    );
    if (new Set(signals.map(({ stored }) => stored.id)).size < signals.length)
      throw new XfuseError('SIGNAL_DUPLICATE');
    const manage = await deriveKey(crypto, this.secret, 'xlink/1 xfuse manage');
    const shares = await dealShares(crypto, this.secret, threshold, signals.length);
    const stored = await Promise.all(
      signals.map(async ({ stored, shareKey }, at): Promise<StoredSignal> => {
        const managed = await seal(crypto, manage, about('manage', account, stored.id), shareKey);
        const share = await seal(crypto, shareKey, about('share', account, stored.id), shares[at]!);
        return { ...stored, managed, share };
      }),
    );
    wipe(manage, ...shares);
    const record = { v: 1 as const, ...facts, fusedDid: this.fused.did, signals: stored };
    return { ...record, mac: toBase64url(await this.#mac(record)) };
  }

  /** The share keys of all signals, also of those that were not presented. */
  async keyed(record: FusionRecord): Promise<KeyedSignal[]> {
    const manage = await deriveKey(this.crypto, this.secret, 'xlink/1 xfuse manage');
    return Promise.all(
      record.signals.map(async ({ managed, share: _, ...stored }) => {
        const place = about('manage', record.account, stored.id);
        const shareKey = await unseal(this.crypto, manage, place, managed);
        if (!shareKey) throw new XfuseError('RECORD_INVALID:TAMPERED');
        return { stored, shareKey };
      }),
    );
  }

  /** Seals the secret of one-time codes. */
  async sealGate(account: string, secret: Uint8Array): Promise<string> {
    const key = await deriveKey(this.crypto, this.secret, 'xlink/1 xfuse gate');
    return seal(this.crypto, key, about('gate', account, 'totp'), secret);
  }

  /** And opens it. */
  async openGate(account: string, gate: string): Promise<Uint8Array> {
    const key = await deriveKey(this.crypto, this.secret, 'xlink/1 xfuse gate');
    const secret = await unseal(this.crypto, key, about('gate', account, 'totp'), gate);
    if (!secret) throw new XfuseError('RECORD_INVALID:TAMPERED');
    return secret;
  }

  /** The identity of a session: another one for each audience and nonce, and the same for the same. */
  async session(audience: string, nonce: string): Promise<Identity> {
    const seed = await deriveKey(this.crypto, this.secret, 'xlink/1 xfuse session', audience, nonce);
    return Identity.fromSeed(seed, { crypto: this.crypto });
  }

  /** Overwrites the secret, best effort. */
  close(): void {
    wipe(this.secret);
  }

  async #mac(record: Omit<FusionRecord, 'mac'>): Promise<Uint8Array> {
    const key = await deriveKey(this.crypto, this.secret, 'xlink/1 xfuse record');
    return this.crypto.hmac(key).tag(utf8(macInput(record)));
  }
}
