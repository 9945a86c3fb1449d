import { defaultProvider } from '#provider';
import type { CryptoProvider } from '../crypto/provider.js';
import { signOnlyEnvelope } from '../envelope/seal.js';
import { xlinkError } from '../errors/errors.js';
import { Identity } from '../identity/identity.js';
import type { Clock, Did, Envelope, Scope } from '../types/protocol.js';
import {
  checkOptions,
  isBytes,
  isObject,
  isPromptFunction,
  isString,
  requireOption,
} from '../util/options.js';

/** Options of {@link createSignedEnvelope}. */
export interface SignedEnvelopeOptions {
  /** The sender: the DID of `privateKey`. */
  readonly senderDid: Did;
  /** The recipient. */
  readonly recipientDid: Did;
  /** What the message is about, 1-128 characters. */
  readonly scope: Scope;
  /** JSON text as UTF-8 bytes. It travels in the clear. */
  readonly plaintext: Uint8Array;
  /** The sender's 32-byte Ed25519 seed, `identity.privateKey`. */
  readonly privateKey: Uint8Array;
  /** Default `Date.now`. */
  readonly clock?: Clock;
  /** Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/**
 * A signed-only version 1 envelope without an agent or a registry, for small devices: integrity and origin, no secrecy.
 * The receiver must allow cleartext. Throws `INVALID_DID` if the key is not that of `senderDid`.
 */
export async function createSignedEnvelope(options: SignedEnvelopeOptions): Promise<Envelope> {
  const checks = {
    senderDid: isString,
    recipientDid: isString,
    scope: isString,
    plaintext: isBytes,
    privateKey: isBytes,
    clock: isPromptFunction,
    crypto: isObject,
  };
  checkOptions('createSignedEnvelope', options, checks);
  for (const name of ['senderDid', 'recipientDid', 'scope', 'plaintext', 'privateKey'])
    requireOption('createSignedEnvelope', options, name);
  const {
    senderDid,
    recipientDid,
    scope,
    plaintext,
    privateKey,
    clock = Date.now,
    crypto = defaultProvider(),
  } = options;
  const identity = await Identity.fromSeed(privateKey, { maxVersion: 1, crypto });
  if (identity.did !== senderDid) throw xlinkError('INVALID_DID', { field: 'senderDid' });
  return signOnlyEnvelope(
    identity,
    {
      version: 1,
      kind: 'message',
      to: recipientDid,
      timestamp: clock(),
      nonce: crypto.randomBytes(16),
      scope,
    },
    plaintext,
  );
}
