import { createHmac } from 'node:crypto';
import { XlockError } from '../errors.js';
import type { PasskeyOwner } from '../passkey/meta.js';
import type { Passkey, PasskeySignature, PasskeyVault } from '../passkey/vault.js';
import { isMembers, lengthPrefixed, sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { invalidOption } from '../util/options.js';
import { isSignedBy } from '../util/signed-by.js';

/** What became of a passkey: it was split, or it was put together, signed, and overwritten. */
export type ProofStep = 'split' | 'reconstruct' | 'sign' | 'purge';

/** One step, bound to those before it. */
export interface ProofEntry {
  readonly step: ProofStep;
  /** In ms since 1970. */
  readonly at: number;
  /** What was seen. Nothing secret. */
  readonly facts: Readonly<Record<string, string | number | boolean>>;
  /** HMAC-SHA256, 32 bytes, base64url. */
  readonly mac: string;
}

/** A chain of steps under a key that the prover shares with an auditor (tier 1), some 0.7 KB for a login. */
export interface HmacProof {
  readonly tier: 'hmac';
  readonly did: string;
  readonly entries: readonly ProofEntry[];
}

/** What {@link proveSplit} and {@link proveSignature} need. */
export interface ProofRequest extends PasskeyOwner {
  readonly vault: PasskeyVault;
  /** Shared with the auditor, at least 32 random bytes. */
  readonly key: Uint8Array;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

type Fact = Omit<ProofEntry, 'mac' | 'at'>;

function macOf(
  key: Uint8Array,
  did: string,
  before: string,
  place: number,
  { step, at, facts }: Omit<ProofEntry, 'mac'>,
): string {
  const text = lengthPrefixed([
    'xlink/1 xlock proof',
    did,
    before,
    place,
    step,
    at,
    JSON.stringify(Object.entries(facts)),
  ]);
  return createHmac('sha256', key).update(text).digest('base64url');
}

function chained(key: Uint8Array, did: string, facts: readonly Fact[], at: number): HmacProof {
  const entries: ProofEntry[] = [];
  for (const [place, fact] of facts.entries()) {
    const entry = { ...fact, at };
    entries.push({ ...entry, mac: macOf(key, did, entries.at(-1)?.mac ?? '', place, entry) });
  }
  return { tier: 'hmac', did, entries };
}

function assertKey(key: unknown): asserts key is Uint8Array {
  if (!(key instanceof Uint8Array) || key.length < 32)
    throw invalidOption('key', 'key must have at least 32 bytes.');
}

/**
 * Makes a passkey, and proves how it was split: into how many shares, of which how many suffice, and how many were read back from the stores with
 * good HMACs. Rejects as `generatePasskey` does.
 */
export async function proveSplit(
  request: ProofRequest,
): Promise<{ readonly passkey: Passkey; readonly proof: HmacProof }> {
  const { vault, key, clock = Date.now, ...owner } = request;
  assertKey(key);
  const passkey = await vault.generatePasskey(owner);
  const { did, totalShares, threshold } = passkey;
  const { good } = await vault.audit(owner);
  return {
    passkey,
    proof: chained(key, did, [{ step: 'split', facts: { totalShares, threshold, good } }], clock()),
  };
}

/** Signs, and proves that the key was put together faithfully, signed this, and was overwritten. Rejects as `signChallenge` does. */
export async function proveSignature(
  request: ProofRequest & { readonly message: Uint8Array },
): Promise<PasskeySignature & { readonly proof: HmacProof }> {
  const { vault, key, clock = Date.now, message, ...owner } = request;
  assertKey(key);
  const signed = await vault.signChallenge({ ...owner, message });
  const { signature, meta, faulty, isWiped } = signed;
  const facts: Fact[] = [
    { step: 'reconstruct', facts: { faulty: faulty.length } },
    {
      step: 'sign',
      facts: { message: toBase64url(sha256(message)), signature: toBase64url(sha256(signature)) },
    },
    { step: 'purge', facts: { isWiped } },
  ];
  return { ...signed, proof: chained(key, meta.did, facts, clock()) };
}

const STEPS = ['reconstruct', 'sign', 'purge'];

/**
 * Checks a proof as its auditor: the chain, and of a signature that the passkey of `did` made it, which only a key that was put together faithfully can.
 * That buffers were overwritten is the word of the prover: nobody can prove that there is no other copy. Throws `PROOF_INVALID`.
 */
export function verifyHmacProof(
  proof: unknown,
  about: {
    readonly key: Uint8Array;
    readonly did: string;
    /** What was signed; absent for a proof of splitting. */
    readonly signed?: { readonly message: Uint8Array; readonly signature: Uint8Array };
  },
): readonly ProofEntry[] {
  const { key, did, signed } = about;
  assertKey(key);
  const wrong = (field: string) => new XlockError('PROOF_INVALID', { field });
  if (!isMembers(proof) || proof['tier'] !== 'hmac' || !Array.isArray(proof['entries'])) throw wrong('proof');
  if (proof['did'] !== did) throw wrong('did');
  const entries = proof['entries'] as readonly ProofEntry[];
  let before = '';
  for (const [place, entry] of entries.entries()) {
    if (!isMembers(entry) || !isMembers(entry.facts)) throw wrong('entries');
    const { step, at, facts, mac } = entry;
    const isForm = typeof step === 'string' && Number.isSafeInteger(at) && at >= 0 && typeof mac === 'string';
    if (!isForm || !sameBytes(mac, macOf(key, did, before, place, { step, at, facts }))) throw wrong('mac');
    before = mac;
  }
  const steps = entries.map(({ step }) => step).join(' ');
  if (steps !== (signed ? STEPS.join(' ') : 'split')) throw wrong('entries');
  if (!signed) return entries;
  const [, sign, purge] = entries;
  const isThis =
    sign!.facts['message'] === toBase64url(sha256(signed.message)) &&
    sign!.facts['signature'] === toBase64url(sha256(signed.signature));
  if (!isThis || !isSignedBy(did, signed.message, signed.signature)) throw wrong('signature');
  if (purge!.facts['isWiped'] !== true) throw wrong('isWiped');
  return entries;
}
