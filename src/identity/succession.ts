import { defaultProvider } from '#provider';
import { EMPTY, lengthPrefixed } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { Did, KeyRecord, Succession } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { isMembers } from '../util/members.js';
import { encodeUtf8 } from '../util/utf8.js';
import { decodeDidKey } from './did.js';

export const SUCCESSION_LABEL = encodeUtf8('xlink/1 succession');
/** Successions in a row, at most. */
export const MAX_SUCCESSIONS = 16;
/** 90 days. */
export const MAX_OVERLAP_MS = 90 * 86_400_000;

/** What the signatures cover. */
export type SuccessionClaim = Omit<Succession, `${string}ignature`>;

const NUMBERS = ['issuedAt', 'overlapMs'] as const;
/** Members that are bytes, and how many. */
const BYTES = {
  fromMlDsa65: 1952,
  toMlDsa65: 1952,
  next: 32,
  fromSignature: 64,
  fromPqSignature: 3309,
  toSignature: 64,
  toPqSignature: 3309,
} as const;

const invalid = (field: string, cause?: unknown) =>
  xlinkError('SUCCESSION_INVALID', { field, ...given({ cause }) });

const bytesOf = (text: string | undefined): Uint8Array =>
  text === undefined ? EMPTY : decodeBase64url(text)!;

/** The bytes that both DIDs sign. What is absent is empty. */
export const successionTranscript = (claim: SuccessionClaim): Uint8Array =>
  lengthPrefixed([
    SUCCESSION_LABEL,
    claim.from,
    claim.to,
    claim.issuedAt,
    claim.overlapMs,
    bytesOf(claim.fromMlDsa65),
    bytesOf(claim.toMlDsa65),
    bytesOf(claim.next),
  ]);

/** Until when both DIDs are good, in ms since 1970, that millisecond included. */
export const overlapEnd = ({ issuedAt, overlapMs }: Succession): number => issuedAt + overlapMs;

/** What a key record says of the only DID that may succeed: `next`. */
export const hashOfDid = async (did: Did, crypto: CryptoProvider = defaultProvider()): Promise<string> =>
  encodeBase64url(await crypto.sha256(encodeUtf8(did)));

/** A frozen copy of the known members, all in form; the signatures are not checked. Throws `SUCCESSION_INVALID`. */
export function copySuccession(value: unknown): Succession {
  if (!isMembers(value)) throw invalid('succession');
  const copy: Record<string, unknown> = {};
  for (const name of ['from', 'to'] as const) {
    try {
      decodeDidKey(value[name] as Did);
    } catch (cause) {
      throw invalid(name, cause);
    }
    copy[name] = value[name];
  }
  if (copy['from'] === copy['to']) throw invalid('to');
  for (const name of NUMBERS) {
    const number = value[name];
    if (!Number.isSafeInteger(number) || (number as number) < 0) throw invalid(name);
    copy[name] = number;
  }
  if ((copy['overlapMs'] as number) > MAX_OVERLAP_MS) throw invalid('overlapMs');
  for (const [name, length] of Object.entries(BYTES)) {
    const text = value[name];
    if (text === undefined) continue;
    if (typeof text !== 'string' || decodeBase64url(text)?.length !== length) throw invalid(name);
    copy[name] = text;
  }
  for (const side of ['from', 'to']) {
    if (copy[`${side}Signature`] === undefined) throw invalid(`${side}Signature`);
    if ((copy[`${side}MlDsa65`] === undefined) !== (copy[`${side}PqSignature`] === undefined))
      throw invalid(`${side}PqSignature`);
  }
  return Object.freeze(copy) as unknown as Succession;
}

/** Throws `SUCCESSION_INVALID` unless every signature key that the statement names has signed it. It is in form. */
export async function verifySuccession(
  succession: Succession,
  crypto: CryptoProvider = defaultProvider(),
): Promise<void> {
  const bytes = successionTranscript(succession);
  for (const side of ['from', 'to'] as const) {
    const ed25519 = await crypto.ed25519.verifier(decodeDidKey(succession[side]));
    if (!(await ed25519.verify(bytes, bytesOf(succession[`${side}Signature`]))))
      throw invalid(`${side}Signature`);
    const key = succession[`${side}MlDsa65`];
    if (key === undefined) continue;
    const mlDsa65 = await crypto.mlDsa65.verifier(bytesOf(key));
    const pqSignature = bytesOf(succession[`${side}PqSignature`]);
    if (!(await mlDsa65.verify(bytes, pqSignature, SUCCESSION_LABEL))) throw invalid(`${side}PqSignature`);
  }
}

/** What is known of a DID: what its key record said that must not change. */
export type KnownDid = Pick<KeyRecord, 'did' | 'mlDsa65' | 'next'>;

/**
 * Throws `SUCCESSION_INVALID…` unless these successions, or the last of them, lead from one DID to the other: each signed
 * by both, none against what is known of the DID before it. `SUCCESSION_INVALID` of `from`: they do not begin at it.
 */
export async function verifyChain(
  chain: readonly Succession[],
  from: KnownDid,
  to: KnownDid,
  crypto: CryptoProvider = defaultProvider(),
): Promise<void> {
  const start = chain.findIndex((step) => step.from === from.did);
  if (start === -1) throw invalid('from');
  let current = from;
  for (const step of chain.slice(start)) {
    if (step.from !== current.did) throw invalid('from');
    if (current.mlDsa65 !== undefined && current.mlDsa65 !== step.fromMlDsa65) throw invalid('fromMlDsa65');
    await assertNext(current, step.to, crypto);
    await verifySuccession(step, crypto);
    current = {
      did: step.to,
      ...(step.toMlDsa65 === undefined ? {} : { mlDsa65: step.toMlDsa65 }),
      ...(step.next === undefined ? {} : { next: step.next }),
    };
  }
  if (current.did !== to.did) throw invalid('to');
  if (current.mlDsa65 !== undefined && current.mlDsa65 !== to.mlDsa65) throw invalid('toMlDsa65');
  if (current.next !== undefined && current.next !== to.next) throw invalid('next');
}

/** Throws `SUCCESSION_INVALID:NOT_NEXT` if a DID has committed to another one than this. */
export async function assertNext({ next }: KnownDid, to: Did, crypto?: CryptoProvider): Promise<void> {
  if (next !== undefined && next !== (await hashOfDid(to, crypto)))
    throw xlinkError('SUCCESSION_INVALID:NOT_NEXT', { field: 'to' });
}

/** Checks a succession from anywhere: form and signatures. Throws `SUCCESSION_INVALID`. */
export const assertSuccession = (value: unknown, crypto: CryptoProvider = defaultProvider()): Promise<void> =>
  verifySuccession(copySuccession(value), crypto);
