// The cryptography of one message written by hand on node:crypto (noble where Node has none), with every long-lived
// key imported ahead: nothing is parsed, encoded, looked up or checked. The floor that the agent is measured against.
import crypto from 'node:crypto';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

const HEADER_BYTES = { 1: 260, 2: 1350, 3: 1360 };
const TRANSCRIPT_BYTES = 132;
const INFO = crypto.randomBytes(170);
const CONTEXT = crypto.randomBytes(50);
const EMPTY = Buffer.alloc(0);
const ZERO_IV = Buffer.alloc(12);

/** `{ send(), receive(message) }` for one version and payload size; messages of the one are input of the other. `plaintext`: by default, anything. */
export function primitives(version, payloadBytes, plaintext = crypto.randomBytes(payloadBytes + 60)) {
  const x25519 = crypto.generateKeyPairSync('x25519');
  const ed25519 = crypto.generateKeyPairSync('ed25519');
  const kem = version >= 2 ? mlKem() : undefined;
  const dsa = version >= 3 ? mlDsa() : undefined;
  const recipientKeys = crypto.randomBytes(kem ? 1184 + 32 : 32);
  const header = crypto.randomBytes(HEADER_BYTES[version]);
  const transcript = crypto.randomBytes(TRANSCRIPT_BYTES);

  return {
    send() {
      const ephemeral = crypto.generateKeyPairSync('x25519', { publicKeyEncoding: { format: 'jwk' } });
      const shared = crypto.diffieHellman({
        privateKey: ephemeral.privateKey,
        publicKey: x25519.publicKey,
      });
      const encapsulated = kem?.encapsulate();
      const key = messageKey(encapsulated?.secret, shared, encapsulated?.ciphertext, recipientKeys);
      const cipher = crypto.createCipheriv('aes-256-gcm', key, ZERO_IV);
      cipher.setAAD(header);
      const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
      return {
        ephemeralPub: ephemeral.publicKey.x,
        kemCiphertext: encapsulated?.ciphertext,
        sealed,
        signature: crypto.sign(null, transcript, ed25519.privateKey),
        pqSignature: dsa?.sign(transcript),
      };
    },
    receive({ ephemeralPub, kemCiphertext, sealed, signature, pqSignature }) {
      if (!crypto.verify(null, transcript, ed25519.publicKey, signature)) throw new Error('Ed25519');
      if (dsa && !dsa.verify(transcript, pqSignature)) throw new Error('ML-DSA');
      const publicKey = crypto.createPublicKey({
        key: { kty: 'OKP', crv: 'X25519', x: ephemeralPub },
        format: 'jwk',
      });
      const shared = crypto.diffieHellman({ privateKey: x25519.privateKey, publicKey });
      const key = messageKey(kem?.decapsulate(kemCiphertext), shared, kemCiphertext, recipientKeys);
      const decipher = crypto.createDecipheriv('aes-256-gcm', key, ZERO_IV);
      decipher.setAAD(header).setAuthTag(sealed[2]);
      const opened = decipher.update(sealed[0]);
      decipher.final();
      return opened;
    },
  };
}

function messageKey(kemSecret = EMPTY, shared, kemCiphertext = EMPTY, recipientKeys) {
  const secret = crypto.createSecretKey(Buffer.concat([kemSecret, shared, kemCiphertext, recipientKeys]));
  return crypto.createSecretKey(new Uint8Array(crypto.hkdfSync('sha256', secret, EMPTY, INFO, 32)));
}

const native = (type) => {
  try {
    return crypto.generateKeyPairSync(type);
  } catch {
    return undefined;
  }
};

function mlKem() {
  const pair = crypto.encapsulate && native('ml-kem-768');
  if (pair) {
    return {
      encapsulate() {
        const { sharedKey, ciphertext } = crypto.encapsulate(pair.publicKey);
        return { secret: sharedKey, ciphertext };
      },
      decapsulate: (ciphertext) => crypto.decapsulate(pair.privateKey, ciphertext),
    };
  }
  const { publicKey, secretKey } = ml_kem768.keygen();
  const prepared = ml_kem768.prepare(publicKey);
  return {
    encapsulate() {
      const { cipherText, sharedSecret } = prepared.encapsulate();
      return { secret: sharedSecret, ciphertext: cipherText };
    },
    decapsulate: (ciphertext) => prepared.decapsulate(ciphertext, secretKey),
  };
}

function mlDsa() {
  const pair = native('ml-dsa-65');
  if (pair) {
    const [privateKey, publicKey] = [pair.privateKey, pair.publicKey].map((key) => ({
      key,
      context: CONTEXT,
    }));
    return {
      sign: (message) => crypto.sign(null, message, privateKey),
      verify: (message, signature) => crypto.verify(null, message, publicKey, signature),
    };
  }
  const { publicKey, secretKey } = ml_dsa65.keygen();
  return {
    sign: (message) => ml_dsa65.sign(message, secretKey, { context: CONTEXT }),
    verify: (message, signature) => ml_dsa65.verify(signature, message, publicKey, { context: CONTEXT }),
  };
}
