import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';

/** The name that x0x gives to these signatures. */
export const EXTERNAL_SIGNATURE = 'x0x.agent-sign.v2.ml-dsa-65';
/** Bytes that are signed at most: 64 KiB. */
export const MAX_EXTERNAL_PAYLOAD = 64 * 1024;

const TAG = Uint8Array.of(0xf0);
const LABEL = utf8ToBytes('x0x.external-agent-sign.v1');

/** Names of what x0x itself signs: no application has them. */
const RESERVED = new Set([
  'announcement',
  'user-announcement',
  'certificate',
  'agent-certificate',
  'group-commit',
  'group-message',
  'treekem',
  'dm',
  'direct-message',
  'gossip',
  'gossip-frame',
  'a2a-card',
  'agent-card',
  'upgrade',
  'upgrade-manifest',
  'relay',
  'peer-relay',
]);

/** What is signed for an application, so that it is never a message of x0x or xLink. Throws `REQUEST_INVALID`. */
export function externalBytes(context: string, payload: Uint8Array): Uint8Array {
  if (typeof context !== 'string' || !/^[a-z0-9._-]{1,64}$/.test(context) || RESERVED.has(context))
    throw new X0xError('REQUEST_INVALID', {
      field: 'context',
      hint: 'context is 1 to 64 of a-z 0-9 . _ -, and no name of x0x itself.',
    });
  if (payload.length === 0) throw new X0xError('REQUEST_INVALID', { field: 'payload_b64' });
  if (payload.length > MAX_EXTERNAL_PAYLOAD)
    throw new X0xError('REQUEST_TOO_LARGE', { hint: 'Sign a hash: 64 KiB at most.' });
  const name = utf8ToBytes(context);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, name.length, false);
  return concatBytes(TAG, LABEL, length, name, payload);
}

/** Signs for an application; 3309 bytes. */
export const signExternally = (agent: X0xKeyPair, context: string, payload: Uint8Array): Uint8Array =>
  agent.sign(externalBytes(context, payload));

/** Whether a key has signed this for this context. */
export const verifyExternally = (
  publicKey: Uint8Array,
  context: string,
  payload: Uint8Array,
  signature: Uint8Array,
): boolean => verifySignature(publicKey, externalBytes(context, payload), signature);
