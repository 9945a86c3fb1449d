import type { Identity, KeyRecord } from '@private.me/xlink';
import { MeshError } from '../errors/mesh-error.js';
import { concat, lengthPrefixed } from '../util/bytes.js';
import type { NoiseKeyPair } from './dh.js';
import { Handshake, type HandshakeResult } from './handshake.js';
import { identityPayload, readClaim, verifyClaim } from './identity-payload.js';
import type { Suite } from './suite.js';
import { assertTrusted, type ChannelRegistry } from './trust.js';

/** Brings handshake messages to the other side, and back. */
export interface Exchange {
  /** Hands one message over. */
  send(message: Uint8Array): Promise<void> | void;
  /** The next message. Rejects when the connection is lost. */
  receive(): Promise<Uint8Array>;
}

/** This side of every handshake. */
export interface NoiseParty {
  readonly identity: Identity;
  readonly staticKey: NoiseKeyPair;
  readonly registry: ChannelRegistry;
  readonly keyRecord: () => Promise<KeyRecord>;
  /** Whether ML-DSA-65 signatures are sent, and asked of those whose record has the key. */
  readonly postQuantumSig: boolean;
  readonly clock: () => number;
}

/** What one handshake is about. */
export interface HandshakePlan {
  readonly suite: Suite;
  readonly isInitiator: boolean;
  readonly transport: 'tcp' | 'udp' | 'websocket';
  /** The DID that the other side must prove. */
  readonly expected: string | undefined;
  /** Whether both DIDs go into the prologue: both sides must want that. */
  readonly isPaired: boolean;
}

/** What the handshake proved. */
export interface ProvenHandshake extends HandshakeResult {
  /** DID of the other side. */
  readonly did: string;
  /** Whether ML-KEM took part in its keys. */
  readonly postQuantum: boolean;
}

/** LP("xlink/1 noise", transport, DID of the initiator, DID of the responder); the DIDs are empty unless both are known before. */
export function prologueOf(transport: string, initiator = '', responder = ''): Uint8Array {
  return lengthPrefixed('xlink/1 noise', transport, initiator, responder);
}

/**
 * Plays a handshake. Each side sends its identity in the message that brings its static key, signed over the handshake hash so far; the
 * registry is asked before anything else is sent. Throws `NOISE_…`.
 */
export async function runHandshake(
  party: NoiseParty,
  { suite, isInitiator, transport, expected, isPaired }: HandshakePlan,
  exchange: Exchange,
): Promise<ProvenHandshake> {
  const own = party.identity.did;
  const dids = isPaired ? (isInitiator ? [own, expected] : [expected, own]) : [];
  const handshake = new Handshake({
    suite,
    isInitiator,
    staticKey: party.staticKey,
    prologue: prologueOf(transport, ...dids),
  });
  let did: string | undefined;
  for (const tokens of suite.pattern.messages) {
    const hasIdentity = tokens.includes('s');
    if (handshake.isOurTurn) {
      const keys = handshake.writeTokens();
      const payload = hasIdentity ? await vouch(party, handshake.hash) : new Uint8Array();
      await exchange.send(concat(keys, handshake.writePayload(payload)));
    } else {
      const { payload, hash } = handshake.read(await exchange.receive());
      if (hasIdentity) did = await prove(party, payload, handshake.remoteStatic!, hash, expected);
      else if (payload.length > 0) throw new MeshError('NOISE_HANDSHAKE_FAILED:MALFORMED');
    }
  }
  if (did === undefined) throw new MeshError('NOISE_IDENTITY_MISMATCH');
  return { ...handshake.split(), did, postQuantum: suite.isHybrid };
}

async function vouch(party: NoiseParty, hash: Uint8Array): Promise<Uint8Array> {
  const { identity, staticKey, postQuantumSig } = party;
  return identityPayload(identity, await party.keyRecord(), staticKey.publicKey, hash, postQuantumSig);
}

async function prove(
  { identity, registry, postQuantumSig, clock }: NoiseParty,
  payload: Uint8Array,
  staticKey: Uint8Array,
  hash: Uint8Array,
  expected: string | undefined,
): Promise<string> {
  const claim = readClaim(payload);
  const isWrong = expected !== undefined && claim.did !== expected;
  // One that talks to itself was connected to itself by somebody else.
  if (isWrong || claim.did === identity.did) throw new MeshError('NOISE_IDENTITY_MISMATCH', { field: 'did' });
  await verifyClaim(identity, claim, staticKey, hash, postQuantumSig);
  await assertTrusted(registry, claim.did, claim.keyRecord, clock());
  return claim.did;
}
