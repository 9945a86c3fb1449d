import { equalBytes } from '../../crypto/bytes.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { xlinkError } from '../../errors/errors.js';
import { type Session, sessionMaster, sessionOf } from '../schedule/master.js';
import type { VerifiedOffer } from './accept.js';
import type { SessionGrant, SessionOffer } from './payloads.js';

/** An offer, and what turns the grant for it into a session. Its private keys are used once. */
export interface PendingOffer {
  readonly offer: SessionOffer;
  /** Throws `ANSWER_INVALID` for a grant that does not answer this offer. */
  accept(grant: SessionGrant, offered: VerifiedOffer): Promise<Session>;
}

/** Fresh keys for one session. */
export async function makeOffer(crypto: CryptoProvider): Promise<PendingOffer> {
  const pair = await crypto.x25519.keyPair();
  const decapsulator = await crypto.mlKem768.decapsulator(crypto.randomBytes(64));
  const offer = { x25519: pair.publicKey, mlKem768: decapsulator.publicKey };
  return {
    offer,
    async accept({ sid, x25519, kemCiphertext, offerHash }, { from, to, transcript }) {
      if (!equalBytes(offerHash, await crypto.sha256(transcript)))
        throw xlinkError('ANSWER_INVALID', { field: 'offerHash' });
      const x25519Secret = await pair.agree(await crypto.x25519.publicKey(x25519));
      if (!x25519Secret) throw xlinkError('ANSWER_INVALID', { field: 'x25519' });
      const parties = { sid, from, to };
      const master = await sessionMaster(crypto, parties, {
        offerTranscript: transcript,
        kemSecret: await decapsulator.decapsulate(kemCiphertext),
        kemCiphertext,
        x25519Secret,
        callerX25519: offer.x25519,
        serviceX25519: x25519,
        callerMlKem768: offer.mlKem768,
      });
      const session = await sessionOf(crypto, parties, master);
      master.fill(0);
      return session;
    },
  };
}
