import { decodeBase64url, encodeBase64url } from '../../util/base64url.js';
import { isMembers } from '../../util/members.js';
import { type CheckpointLimits, readLimits } from '../checkpoint/limits.js';
import { SESSION_SUITE } from '../protocol.js';

/** What a caller offers, in the payload of the envelope that opens a session. */
export interface SessionOffer {
  /** Fresh X25519 public key, 32 bytes. */
  readonly x25519: Uint8Array;
  /** Fresh ML-KEM-768 public key, 1184 bytes. */
  readonly mlKem768: Uint8Array;
}

/** What the service answers. */
export interface SessionGrant {
  /** 16 bytes. */
  readonly sid: Uint8Array;
  /** Fresh X25519 public key, 32 bytes. */
  readonly x25519: Uint8Array;
  /** ML-KEM-768 ciphertext, 1088 bytes. */
  readonly kemCiphertext: Uint8Array;
  /** SHA-256 of what the signatures of the offer cover, 32 bytes: the service signs what it answers. */
  readonly offerHash: Uint8Array;
  readonly ticket: Uint8Array;
  /** How long the session is good, in ms: counted by the caller's clock from when it asked, so that clocks may differ. */
  readonly lifetimeMs: number;
  /** Scopes that no request of a session may use. */
  readonly never: readonly string[];
  /** How often the caller signs what it sent; absent: it need not. */
  readonly checkpoint?: CheckpointLimits | undefined;
}

/** The only version of the payloads. */
const FORMAT = 1;

/** As JSON. */
export const offerPayload = ({ x25519, mlKem768 }: SessionOffer) => ({
  session: FORMAT,
  suites: [SESSION_SUITE],
  x25519: encodeBase64url(x25519),
  mlKem768: encodeBase64url(mlKem768),
});

/** `undefined` for what is no offer, or of other suites only. */
export function readOffer(value: unknown): SessionOffer | undefined {
  if (!isMembers(value) || value['session'] !== FORMAT) return undefined;
  const { suites } = value;
  const x25519 = bytesIn(value['x25519'], 32);
  const mlKem768 = bytesIn(value['mlKem768'], 1184);
  if (!Array.isArray(suites) || !suites.includes(SESSION_SUITE) || !x25519 || !mlKem768) return undefined;
  return { x25519, mlKem768 };
}

/** As JSON. */
export const grantPayload = (grant: SessionGrant) => ({
  session: FORMAT,
  suite: SESSION_SUITE,
  sid: encodeBase64url(grant.sid),
  x25519: encodeBase64url(grant.x25519),
  kemCiphertext: encodeBase64url(grant.kemCiphertext),
  offerHash: encodeBase64url(grant.offerHash),
  ticket: encodeBase64url(grant.ticket),
  lifetimeMs: grant.lifetimeMs,
  never: grant.never,
  ...(grant.checkpoint ? { checkpoint: grant.checkpoint } : {}),
});

/** `undefined` for what is no grant. */
export function readGrant(value: unknown): SessionGrant | undefined {
  if (!isMembers(value) || value['session'] !== FORMAT || value['suite'] !== SESSION_SUITE) return undefined;
  const sid = bytesIn(value['sid'], 16);
  const x25519 = bytesIn(value['x25519'], 32);
  const kemCiphertext = bytesIn(value['kemCiphertext'], 1088);
  const offerHash = bytesIn(value['offerHash'], 32);
  const ticket = bytesIn(value['ticket']);
  const { lifetimeMs, never } = value;
  const checkpoint = readLimits(value['checkpoint']);
  const isSafe =
    Number.isSafeInteger(lifetimeMs) && Array.isArray(never) && never.every(isText) && checkpoint !== null;
  if (!isSafe || !sid || !x25519 || !kemCiphertext || !offerHash || !ticket) return undefined;
  return {
    sid,
    x25519,
    kemCiphertext,
    offerHash,
    ticket,
    lifetimeMs: lifetimeMs as number,
    never,
    checkpoint,
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

function bytesIn(value: unknown, length?: number): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? decodeBase64url(value) : undefined;
  return bytes && (length === undefined || bytes.length === length) ? bytes : undefined;
}
