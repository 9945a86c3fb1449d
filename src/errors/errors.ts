import type { Receipt } from '../types/receipt.js';
import { branded } from '../util/copies.js';
import { docUrlOf } from './docs-url.js';
import { knownRows, rowOf } from './known-rows.js';
import type { ErrorCategory, ErrorCode, ErrorId, ErrorRow, ErrorSubCode } from './table.js';

/** What an error says, in a form that can be sent or logged: no secret, no payload, no value from a request. */
export interface ErrorDetail {
  /** Part of the id before the colon. */
  readonly code: ErrorCode;
  /** Part of the id after the colon; absent if there is none. */
  readonly subCode?: ErrorSubCode;
  /** What is wrong: the `title` of the error. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** The envelope member, header or option at fault. */
  readonly field?: string;
  /** URL of the error's documentation. */
  readonly docs: string;
}

/** What an error says beyond its table row. */
export interface XlinkErrorOptions {
  /** Name of the envelope member, header or option at fault; never its value. */
  readonly field?: string;
  /** The scope that is missing, for refusals that say so: of the API's or the library's own making, never free text. Default none. */
  readonly scope?: string;
  /** After how many ms it may be worth trying again, for refusals that know. Default: not known. */
  readonly retryAfterMs?: number;
  /** Why, by the name that a part of the application's own has for it, such as `TOKEN_SPENT`: never free text. Default none. */
  readonly reason?: string;
  /** The error underneath. Kept as it is and never put into the message. Default none. */
  readonly cause?: unknown;
  /** Replaces the hint of the table. For text from the developer's own code only, such as an option name. Default: that of the table. */
  readonly hint?: string;
}

/**
 * Base of all errors of this package. `message` says what is wrong and what to do about it: `title` and `hint` in one.
 * Tell errors apart by `code` and `subCode`, or by `id`, which joins both; an error is an object, so
 * `result.error === 'SCOPE_DENIED'` is never true and `result.error.code === 'SCOPE_DENIED'` may be.
 */
export class XlinkError extends Error {
  static {
    branded(this, 'error');
  }

  /** The class: `XlinkError`, or one of its subclasses, which stand for the categories. */
  override readonly name: string = 'XlinkError';
  /** `CODE` or `CODE:SUB_CODE`, a key of the error table. */
  readonly id: ErrorId;
  /** Part of `id` before the colon. */
  readonly code: ErrorCode;
  /** Part of `id` after the colon; `undefined` if there is none. */
  readonly subCode: ErrorSubCode | undefined;
  /** Area of the system that the error comes from. */
  readonly category: ErrorCategory;
  /** HTTP status for an answer that refuses because of this error. */
  readonly status: number;
  /** What is wrong, in the sentence of the table: it holds nothing that came from a request or from the options. */
  readonly title: string;
  /** What to do about it. */
  readonly hint: string;
  /** Name of the envelope member, header or option at fault; never its value. */
  readonly field: string | undefined;
  /** The scope that is missing, where the error is about one. */
  readonly scope: string | undefined;
  /** After how many ms it may be worth trying again, where that is known. */
  readonly retryAfterMs: number | undefined;
  /** Why, by the name that a part outside of this package has for it: of `ENROLLMENT_REFUSED:NOT_ADMITTED`. */
  readonly reason: string | undefined;
  /** Where the errors of this category are documented. */
  readonly docUrl: string;
  /** Of a message whose `send` failed: what its recipient signed about it, verified, if that came all the same. `failed`: its handler could not. */
  declare readonly receipt?: Receipt;

  /** `id`: a key of `ERROR_TABLE`. {@link xlinkError} picks the class of its category. */
  constructor(id: ErrorId, options: XlinkErrorOptions = {}) {
    const row = rowOf(id);
    super(messageOf(id, row, options), 'cause' in options ? { cause: options.cause } : undefined);
    const [code, subCode] = id.split(':') as [ErrorCode, ErrorSubCode | undefined];
    this.id = id;
    this.code = code;
    this.subCode = subCode;
    this.category = row.category;
    this.status = row.status;
    this.title = row.message;
    this.hint = options.hint ?? row.hint;
    this.field = options.field;
    this.scope = options.scope;
    this.retryAfterMs = options.retryAfterMs;
    this.reason = options.reason;
    this.docUrl = docUrlOf(row.category);
  }

  /** The same as `status`: Fastify, NestJS and others look for it under this name. */
  get statusCode(): number {
    return this.status;
  }

  /** What may be shown or logged, without cause and stack. */
  get details(): ErrorDetail {
    return {
      code: this.code,
      ...(this.subCode === undefined ? {} : { subCode: this.subCode }),
      message: this.title,
      hint: this.hint,
      ...(this.field === undefined ? {} : { field: this.field }),
      docs: this.docUrl,
    };
  }

  /** Leaves `cause` and the stack out, so a serialized error says no more than its table row. */
  toJSON(): ErrorDetail {
    return this.details;
  }
}

/** A text about one option says all there is to say; the sentence of the table would only delay it. */
const messageOf = (id: ErrorId, row: ErrorRow, { hint }: XlinkErrorOptions): string =>
  id === 'INVALID_OPTION' && hint !== undefined ? hint : `${row.message} ${hint ?? row.hint}`;

/** Key generation, DIDs, PKCS#8. */
export class XlinkIdentityError extends XlinkError {
  static {
    branded(this, 'error/identity');
  }

  override readonly name = 'XlinkIdentityError';
}
/** Making, parsing and opening envelopes. */
export class XlinkEnvelopeError extends XlinkError {
  static {
    branded(this, 'error/envelope');
  }

  override readonly name = 'XlinkEnvelopeError';
}
/** Delivery. */
export class XlinkTransportError extends XlinkError {
  static {
    branded(this, 'error/transport');
  }

  override readonly name = 'XlinkTransportError';
}
/** Trust registry and key records. */
export class XlinkRegistryError extends XlinkError {
  static {
    branded(this, 'error/registry');
  }

  override readonly name = 'XlinkRegistryError';
}
/** X25519 and ML-KEM. */
export class XlinkKeyAgreementError extends XlinkError {
  static {
    branded(this, 'error/key-agreement');
  }

  override readonly name = 'XlinkKeyAgreementError';
}
/** Split channel. */
export class XlinkSplitChannelError extends XlinkError {
  static {
    branded(this, 'error/split-channel');
  }

  override readonly name = 'XlinkSplitChannelError';
}
/** Agent lifecycle and the checks on receipt. */
export class XlinkAgentError extends XlinkError {
  static {
    branded(this, 'error/agent');
  }

  override readonly name = 'XlinkAgentError';
}
/** HTTP requests and API keys in front of an API. */
export class XlinkAdapterError extends XlinkError {
  static {
    branded(this, 'error/adapter');
  }

  override readonly name = 'XlinkAdapterError';
}
/** Calling a service: discovery, enrollment, answers. */
export class XlinkClientError extends XlinkError {
  static {
    branded(this, 'error/client');
  }

  override readonly name = 'XlinkClientError';
}

const CLASS_OF: Record<ErrorCategory, new (id: ErrorId, options?: XlinkErrorOptions) => XlinkError> = {
  identity: XlinkIdentityError,
  envelope: XlinkEnvelopeError,
  transport: XlinkTransportError,
  registry: XlinkRegistryError,
  'key-agreement': XlinkKeyAgreementError,
  'split-channel': XlinkSplitChannelError,
  agent: XlinkAgentError,
  adapter: XlinkAdapterError,
  client: XlinkClientError,
};

/** Makes the error of table row `id`, in the class of its category. */
export function xlinkError(id: ErrorId, options?: XlinkErrorOptions): XlinkError {
  return new CLASS_OF[rowOf(id).category](id, options);
}

/** Whether a value is an error of this package. */
export const isXlinkError = (value: unknown): value is XlinkError => value instanceof XlinkError;

/**
 * Turns anything thrown or returned into an {@link XlinkError}: errors of the package pass through, a string is taken
 * as a code (`'REPLAY_DETECTED'`, `'DECRYPT_FAILED:PARSE'`, or an alias in docs/errors.md), everything else becomes
 * `INTERNAL` with the original as `cause`.
 */
export function toXlinkError(value: unknown): XlinkError {
  if (isXlinkError(value)) return value;
  if (typeof value === 'string') {
    const [id] = knownRows().find(([id, { aliases }]) => id === value || aliases?.includes(value)) ?? [];
    if (id) return xlinkError(id as ErrorId);
  }
  return xlinkError('INTERNAL', { cause: value });
}
