import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { Did } from '../../types/protocol.js';
import { SID_BYTES } from '../protocol.js';
import { sessionMaster } from '../schedule/master.js';
import type { SessionGrant, SessionOffer } from './payloads.js';

/** Whose offer it is, and what its signatures cover. */
export interface VerifiedOffer {
  readonly from: Did;
  readonly to: Did;
  readonly transcript: Uint8Array;
}

/** Adds the shares of the service to an offer. Throws `SESSION_OFFER_INVALID` for keys with which no secret can be shared. */
export async function acceptOffer(
  crypto: CryptoProvider,
  { x25519, mlKem768 }: SessionOffer,
  { from, to, transcript }: VerifiedOffer,
) {
  const encapsulator = await crypto.mlKem768.encapsulator(mlKem768);
  if (!encapsulator) throw xlinkError('SESSION_OFFER_INVALID', { field: 'mlKem768' });
  const pair = await crypto.x25519.keyPair();
  const x25519Secret = await pair.agree(await crypto.x25519.publicKey(x25519));
  if (!x25519Secret) throw xlinkError('SESSION_OFFER_INVALID', { field: 'x25519' });
  const { ciphertext, secret } = await encapsulator.encapsulate();
  const sid = crypto.randomBytes(SID_BYTES);
  const parties = { sid, from, to };
  const master = await sessionMaster(crypto, parties, {
    offerTranscript: transcript,
    kemSecret: secret,
    kemCiphertext: ciphertext,
    x25519Secret,
    callerX25519: x25519,
    serviceX25519: pair.publicKey,
    callerMlKem768: mlKem768,
  });
  const grant: Omit<SessionGrant, 'ticket' | 'lifetimeMs' | 'never' | 'checkpoint'> = {
    sid,
    x25519: pair.publicKey,
    kemCiphertext: ciphertext,
    offerHash: await crypto.sha256(transcript),
  };
  return { master, grant };
}
