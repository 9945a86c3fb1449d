import { isContentType, isRequest, isScope } from '../envelope/fields.js';
import { xlinkError } from '../errors/errors.js';
import { contentTypeBinding } from '../http/request-binding.js';
import type { OnProgress } from '../types/ports.js';
import type { Did, Scope, Version } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import {
  anything,
  checkOptions,
  integerIn,
  isBoolean,
  isBytes,
  isFunction,
  isString,
  type OptionChecks,
  requireOption,
} from '../util/options.js';

/** What goes into an envelope, and how it is made. */
export interface EnvelopeOptions {
  /**
   * The recipient's DID, or the name of the one active registry entry that has it. A name is whatever the registry lets its
   * entries be called, and finding it reads the whole registry: `agent.resolve(name)` once gives the DID to keep.
   */
  readonly to: Did;
  /** Any JSON value. Left out: only for signed-only envelopes that speak for a request alone. */
  readonly payload?: unknown;
  /** Default `default`. */
  readonly scope?: Scope;
  /** Binds the envelope to an HTTP request: `METHOD /path?query`, from `requestBinding()`. Default: not bound. */
  readonly request?: string;
  /** Signs without encrypting; the receiver must allow it. Default `false`. */
  readonly signedOnly?: boolean;
  /** Bytes of a body that travels beside a signed-only envelope: their SHA-256 is signed. Default: no body. */
  readonly content?: Uint8Array;
  /** The Content-Type of that body, exactly as it is sent. Default: not signed. */
  readonly contentType?: string;
  /** `envelopeId` of the message this one answers. Default: it answers none. */
  readonly inReplyTo?: string;
  /** Exactly this version. Default: the highest that both sides know. */
  readonly version?: Version;
  /** Called at each stage, and awaited. Default: not called. */
  readonly onProgress?: OnProgress;
}

export const ENVELOPE_OPTIONS: OptionChecks<EnvelopeOptions> = {
  to: isString,
  payload: anything,
  scope: (value: unknown) => (isScope(value) ? undefined : '1 to 128 characters of A-Z a-z 0-9 : . _ / -'),
  request: (value: unknown) =>
    typeof value === 'string' && isRequest(value) ? undefined : '"METHOD /path?query", see requestBinding()',
  signedOnly: isBoolean,
  content: isBytes,
  contentType: (value: unknown) =>
    typeof value === 'string' && isContentType(contentTypeBinding(value))
      ? undefined
      : 'a Content-Type of at most 256 characters',
  inReplyTo: (value: unknown) =>
    typeof value === 'string' && decodeBase64url(value)?.length === 16
      ? undefined
      : 'the envelopeId of a message',
  version: integerIn(1, 3),
  onProgress: isFunction,
};

/** Throws `INVALID_OPTION`. */
export function checkEnvelopeOptions(options: EnvelopeOptions): void {
  checkOptions('createEnvelope', options, ENVELOPE_OPTIONS);
  requireOption('createEnvelope', options, 'to');
  const { content, contentType, signedOnly = false } = options;
  if (contentType !== undefined && !content)
    throw xlinkError('INVALID_OPTION', {
      field: 'contentType',
      hint: 'createEnvelope: contentType needs content, the body whose type it is.',
    });
  if (content && !signedOnly)
    throw xlinkError('INVALID_OPTION', {
      field: 'content',
      hint: 'createEnvelope: content needs signedOnly: true; to encrypt it, send it as payload.',
    });
}
