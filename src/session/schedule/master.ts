import { concat, lengthPrefixed } from '../../crypto/bytes.js';
import type { CryptoProvider, Hmac } from '../../crypto/provider.js';
import type { Did } from '../../types/protocol.js';
import { encodeUtf8 } from '../../util/utf8.js';
import { SESSION_SUITE, type SessionKind } from '../protocol.js';
import { expand } from './expand.js';

/** Whose session it is. */
export interface SessionParties {
  /** 16 bytes, chosen by the service. */
  readonly sid: Uint8Array;
  /** The caller. */
  readonly from: Did;
  /** The service. */
  readonly to: Did;
}

/** What both sides know once shares were exchanged. All of it is fresh, so nothing that either side keeps opens the session later. */
export interface SharedSecrets {
  /** What the signatures of the offer cover. */
  readonly offerTranscript: Uint8Array;
  /** ML-KEM-768 secret (32 bytes) and its ciphertext (1088). */
  readonly kemSecret: Uint8Array;
  readonly kemCiphertext: Uint8Array;
  /** X25519 secret, 32 bytes. */
  readonly x25519Secret: Uint8Array;
  /** Ephemeral public keys: X25519 of both sides (32 bytes) and ML-KEM-768 of the caller (1184). */
  readonly callerX25519: Uint8Array;
  readonly serviceX25519: Uint8Array;
  readonly callerMlKem768: Uint8Array;
}

const LABEL = encodeUtf8('xlink/1 session');

/** The 32 bytes from which all keys of a session are derived. */
export async function sessionMaster(
  crypto: CryptoProvider,
  { sid, from, to }: SessionParties,
  shared: SharedSecrets,
): Promise<Uint8Array> {
  const { kemSecret, kemCiphertext, x25519Secret, callerX25519, serviceX25519, callerMlKem768 } = shared;
  const offer = await crypto.sha256(shared.offerTranscript);
  const salt = await crypto.sha256(
    lengthPrefixed([LABEL, SESSION_SUITE, offer, serviceX25519, kemCiphertext, sid]),
  );
  const ikm = concat([
    kemSecret,
    x25519Secret,
    kemCiphertext,
    callerX25519,
    serviceX25519,
    callerMlKem768,
    LABEL,
  ]);
  const prk = await crypto.hmac(salt).tag(ikm);
  ikm.fill(0);
  const info = lengthPrefixed(['xlink/1 session master', SESSION_SUITE, from, to, sid]);
  const master = await expand(crypto.hmac(prk), info, 1);
  prk.fill(0);
  return master;
}

/** The keys of the two directions of a session, from which each message has its own. */
export interface DirectionKeys {
  readonly request: Hmac;
  readonly answer: Hmac;
}

/** A session as either side works with it. */
export interface Session extends SessionParties {
  readonly keys: DirectionKeys;
  /** What the transcripts of all its requests, and of all its messages, begin with. */
  readonly prefixes: Readonly<Record<SessionKind, Uint8Array>>;
}

/** The session of a master key, which is not needed any more then. */
export async function sessionOf(
  crypto: CryptoProvider,
  { sid, from, to }: SessionParties,
  master: Uint8Array,
): Promise<Session> {
  const root = crypto.hmac(master);
  const derive = async (label: string) => crypto.hmac(await expand(root, lengthPrefixed([label, sid]), 1));
  const request = await derive('xlink/1 session request');
  const answer = await derive('xlink/1 session answer');
  return { sid, from, to, keys: { request, answer }, prefixes: sessionPrefixes({ sid, from, to }) };
}

/** What the transcripts of all requests, and of all messages, of a session begin with. */
export function sessionPrefixes({ sid, from, to }: SessionParties): Session['prefixes'] {
  const prefix = (kind: SessionKind) =>
    lengthPrefixed([`xlink/1 session ${kind}`, SESSION_SUITE, from, to, sid]);
  return { request: prefix('request'), message: prefix('message') };
}
