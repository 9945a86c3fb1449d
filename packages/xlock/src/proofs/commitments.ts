import { randomBytes } from 'node:crypto';
import { XlockError } from '../errors.js';
import { type PasskeyOwner, passkeyName } from '../passkey/meta.js';
import { decodeShare } from '../passkey/share-format.js';
import { work } from '../passkey/tasks.js';
import type { PasskeyVault } from '../passkey/vault.js';
import type { XStoreBackend } from '../stores/backend.js';
import { fromBase64url, isMembers, lengthPrefixed, sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { isSignedBy } from '../util/signed-by.js';

/** What the holder of a passkey commits to: which store has which share, without saying anything of it (tier 2). */
export interface SplitCommitment {
  readonly tier: 'commit-reveal';
  readonly did: string;
  readonly service: string;
  readonly userId: string;
  /** In ms since 1970. */
  readonly at: number;
  /** By id of the store: SHA-256 of a blind and the share, base64url. */
  readonly commitments: Readonly<Record<string, string>>;
  /** By the passkey, 64 bytes, base64url. */
  readonly signature: string;
}

/** What opens the commitment to one share. */
export interface ShareOpening {
  /** Id of the store. */
  readonly store: string;
  /** 32 random bytes, base64url. Keep them secret until then. */
  readonly blind: string;
  /** As the store has it, base64url. */
  readonly share: string;
}

/** What an auditor found. */
export interface SplitFindings {
  /** Openings that are those that were committed to. */
  readonly opened: number;
  /** Whether there were K of them, and they gave the key of the DID. */
  readonly isKey: boolean;
}

const commitmentOf = (did: string, store: string, blind: Uint8Array, share: Uint8Array): string =>
  toBase64url(sha256(lengthPrefixed(['xlink/1 xlock commitment', did, store, blind, share])));

const commitmentText = ({ did, service, userId, at, commitments }: Omit<SplitCommitment, 'signature'>) =>
  lengthPrefixed([
    'xlink/1 xlock split',
    did,
    service,
    userId,
    at,
    JSON.stringify(Object.entries(commitments)),
  ]);

/**
 * Commits to the shares that are in the stores now, signed by the passkey. Publish the commitment; keep the blinds, by id of the store. Rejects as
 * `signChallenge` of the vault does, and with what a store rejects with.
 */
export async function commitSplit(
  request: PasskeyOwner & {
    readonly vault: PasskeyVault;
    readonly stores: readonly XStoreBackend[];
    /** Of the passkey. */
    readonly did: string;
    /** Default `Date.now`. */
    readonly clock?: () => number;
  },
): Promise<{ readonly commitment: SplitCommitment; readonly blinds: Readonly<Record<string, string>> }> {
  const { vault, stores, did, service, userId = '', clock = Date.now } = request;
  const commitments: Record<string, string> = {};
  const blinds: Record<string, string> = {};
  for (const store of stores) {
    const share = await store.get(passkeyName({ service, userId }));
    if (!share) continue;
    const blind = randomBytes(32);
    commitments[store.id] = commitmentOf(did, store.id, blind, share);
    blinds[store.id] = toBase64url(blind);
  }
  const unsigned = { tier: 'commit-reveal', did, service, userId, at: clock(), commitments } as const;
  const { signature } = await vault.signChallenge({ service, userId, message: commitmentText(unsigned) });
  return { commitment: { ...unsigned, signature: toBase64url(signature) }, blinds };
}

/** Opens the commitment to the share of one store. Who gets K openings has the key: make a new passkey afterwards. Throws `PASSKEY_NOT_FOUND`. */
export async function openCommitment(
  { service, userId }: SplitCommitment,
  store: XStoreBackend,
  blinds: Readonly<Record<string, string>>,
): Promise<ShareOpening> {
  const share = await store.get(passkeyName({ service, userId }));
  const blind = blinds[store.id];
  if (!share || blind === undefined) throw new XlockError('PASSKEY_NOT_FOUND');
  return { store: store.id, blind, share: toBase64url(share) };
}

/**
 * Checks what was opened, as the auditor: that it is what was committed to, that each is a share of this passkey, and, of K of them, that their HMACs are
 * good and that they give its key. Throws `PROOF_INVALID`.
 */
export async function verifySplit(
  commitment: unknown,
  openings: readonly ShareOpening[],
): Promise<SplitFindings> {
  const wrong = (field: string, cause?: unknown) => new XlockError('PROOF_INVALID', { field, cause });
  assertCommitment(commitment);
  const { did, service, userId, commitments } = commitment;
  const shares = openings.map(({ store, blind, share }) => {
    const bytes = fromBase64url(share);
    const secret = fromBase64url(blind, 32);
    const said = Object.hasOwn(commitments, store) ? commitments[store] : undefined;
    if (!bytes || !secret || said === undefined) throw wrong('openings');
    if (!sameBytes(said, commitmentOf(did, store, secret, bytes))) throw wrong('openings');
    const decoded = decodeShare(bytes);
    if (decoded?.meta.did !== did) throw wrong('share');
    return { bytes, threshold: decoded.share.threshold };
  });
  const opened = new Set(openings.map(({ store }) => store)).size;
  if (opened < openings.length) throw wrong('openings');
  if (shares.length === 0 || shares.length < shares[0]!.threshold) return { opened, isKey: false };
  const task = { kind: 'use', owner: { service, userId }, message: randomBytes(32) } as const;
  try {
    // Puts the key together, compares it with the DID, and overwrites it.
    const { bad } = await work({ ...task, shares: shares.map(({ bytes }) => bytes) }, () => {});
    if (bad.length === 0) return { opened, isKey: true };
  } catch (cause) {
    throw wrong('share', cause);
  }
  throw wrong('share');
}

/**
 * After `rotate` or `remove`: which stores still hold the share that was committed to. As they say: a store can keep a copy, which nobody
 * can prove or disprove. Throws `PROOF_INVALID`.
 */
export async function verifyPurged(
  commitment: unknown,
  blinds: Readonly<Record<string, string>>,
  stores: readonly XStoreBackend[],
): Promise<Readonly<Record<string, 'gone' | 'there' | 'unavailable'>>> {
  assertCommitment(commitment);
  const { did, service, userId, commitments } = commitment;
  const found: Record<string, 'gone' | 'there' | 'unavailable'> = {};
  for (const store of stores) {
    const blind = fromBase64url(blinds[store.id], 32);
    const said = Object.hasOwn(commitments, store.id) ? commitments[store.id] : undefined;
    if (!blind || said === undefined) continue;
    try {
      const share = await store.get(passkeyName({ service, userId }));
      found[store.id] =
        share && sameBytes(said, commitmentOf(did, store.id, blind, share)) ? 'there' : 'gone';
    } catch {
      found[store.id] = 'unavailable';
    }
  }
  return found;
}

function assertCommitment(value: unknown): asserts value is SplitCommitment {
  const isForm =
    isMembers(value) &&
    value['tier'] === 'commit-reveal' &&
    ['did', 'service', 'userId'].every((name) => typeof value[name] === 'string') &&
    Number.isSafeInteger(value['at']) &&
    (value['at'] as number) >= 0 &&
    isMembers(value['commitments']);
  if (!isForm) throw new XlockError('PROOF_INVALID', { field: 'commitment' });
  const whole = value as unknown as SplitCommitment;
  const signature = fromBase64url(whole.signature, 64);
  if (!signature || !isSignedBy(whole.did, commitmentText(whole), signature))
    throw new XlockError('PROOF_INVALID', { field: 'signature' });
}
