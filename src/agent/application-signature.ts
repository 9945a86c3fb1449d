import { lengthPrefixed } from '../crypto/bytes.js';
import { xlinkError } from '../errors/errors.js';
import type { Identity } from '../identity/identity.js';
import type { Did } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { anything, checkOptions, isString, type OptionCheck, requireOption } from '../util/options.js';
import { encodeUtf8 } from '../util/utf8.js';
import type { AgentContext } from './context.js';

/** Options of `agent.sign()`. */
export interface SignOptions {
  /** What the signature is for, such as `invoice/1`: it is good for no other context. At most 128 characters; default empty. */
  readonly context?: string;
}

/** Options of `agent.verify()`. */
export interface VerifyOptions extends SignOptions {
  /** Who is said to have signed. */
  readonly did: Did;
  /** The very bytes, or text, that were signed. */
  readonly content: string | Uint8Array;
  /** What `sign` returned: 86 characters of base64url. */
  readonly signature: string;
}

const LABEL = encodeUtf8('xlink/1 application');
const isContext: OptionCheck = (value) =>
  typeof value === 'string' && value.length <= 128 ? undefined : 'a string of at most 128 characters';
const isContent: OptionCheck = (value) =>
  typeof value === 'string' || value instanceof Uint8Array
    ? undefined
    : 'a string or a Uint8Array; write an object as the text that is sent';

/**
 * What is signed: never the bytes as they were given, so that no envelope, key record or proof can be had from an agent
 * that signs what it is asked to (docs/PROTOCOL.md section 8.1).
 */
async function transcript(
  { crypto }: Identity,
  content: string | Uint8Array,
  context: string,
): Promise<Uint8Array> {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  return lengthPrefixed([LABEL, context, await crypto.sha256(bytes)]);
}

/** Signs for the application. Throws `INVALID_OPTION`. */
export async function signContent(
  { identity }: AgentContext,
  content: string | Uint8Array,
  options: SignOptions,
): Promise<string> {
  checkOptions('sign', { content }, { content: isContent });
  requireOption('sign', { content }, 'content');
  checkOptions('sign', options, { context: isContext });
  const signed = await transcript(identity, content, options.context ?? '');
  return encodeBase64url(await identity.ed25519.sign(signed));
}

/** Throws `VERIFICATION_FAILED…` unless the DID is active in the registry and has signed this. */
export async function verifyContent(context: AgentContext, options: VerifyOptions): Promise<void> {
  checkOptions('verify', options, {
    did: isString,
    content: isContent,
    signature: anything,
    context: isContext,
  });
  for (const name of ['did', 'content']) requireOption('verify', options, name);
  const { did, content, context: purpose = '' } = options;
  const signature = typeof options.signature === 'string' ? decodeBase64url(options.signature) : undefined;
  const { peer } = await context.peers.resolve(did, 'sender');
  const signed = await transcript(context.identity, content, purpose);
  const isGood = signature?.length === 64 && (await peer.ed25519.verify(signed, signature));
  if (!isGood) throw xlinkError('VERIFICATION_FAILED:SIGNATURE_MISMATCH', { field: 'signature' });
}
