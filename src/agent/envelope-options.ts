import { isContentType, isRequest, isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/errors.js';
import { contentTypeBinding } from '../http/request-binding.js';
import type { OnProgress } from '../types/ports.js';
import type { Did, Kind, Scope, Version } from '../types/protocol.js';
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
  /** Any JSON value. Left out: only for signed-only envelopes that speak for a request alone, and beside `content`. */
  readonly payload?: unknown;
  /** Default `default`; of a request `*`, which is all that the sender was granted. */
  readonly scope?: Scope;
  /**
   * Binds the envelope to an HTTP request: `METHOD /path?query`, from `requestBinding()`. Receivers that are not given the
   * request refuse a message that is bound to one. Default: not bound.
   */
  readonly request?: string;
  /** Signs without encrypting; the receiver must allow it. Default `false`. */
  readonly signedOnly?: boolean;
  /** Bytes to seal as they are, in place of `payload`. With `signedOnly`: the body beside the envelope, whose SHA-256 is signed. Default none. */
  readonly content?: Uint8Array;
  /** The Content-Type of `content`, exactly as it is sent. Default none. */
  readonly contentType?: string;
  /** `envelopeId` of the message that this one follows. For the application: no check depends on it. Default none. */
  readonly inReplyTo?: string;
  /** Exactly this version. Default: the highest that both sides know. */
  readonly version?: Version;
  /** Called at each stage, and awaited. Default: not called. */
  readonly onProgress?: OnProgress;
}

export const ENVELOPE_OPTIONS: OptionChecks<EnvelopeOptions> = {
  to: isString,
  payload: anything,
  scope: (value: unknown) =>
    isScopeOrAll(value) ? undefined : '1 to 128 characters of A-Z a-z 0-9 : . _ / -',
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
export function checkEnvelopeOptions(options: EnvelopeOptions, kind: Kind): void {
  checkOptions('createEnvelope', options, ENVELOPE_OPTIONS);
  requireOption('createEnvelope', options, 'to');
  const { content, contentType, inReplyTo, payload, scope } = options;
  const fail = (field: string, hint: string): never => {
    throw xlinkError('INVALID_OPTION', { field, hint: `createEnvelope: ${hint}` });
  };
  if (contentType !== undefined && !content)
    fail('contentType', 'contentType needs content, the bytes whose type it is.');
  if (content && payload !== undefined)
    fail('content', 'content takes the place of payload; pass one of them.');
  if (inReplyTo !== undefined && kind === 'request')
    fail('inReplyTo', 'a request follows nothing; inReplyTo is for messages.');
  if (scope === '*' && kind === 'message') fail('scope', 'a message names one scope; * is for requests.');
}
