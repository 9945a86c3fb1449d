import { assertOpensObject } from '../envelope/opens-object.js';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import { type Awaitable, orElse } from '../util/awaitable.js';
import { hiddenMember } from '../util/hidden-member.js';
import { BodyBudget } from './body-budget.js';
import type { InboundRequest } from './decision.js';

/** What is used of a request. */
export type IncomingBody = Pick<
  InboundRequest,
  'hasBody' | 'header' | 'lines' | 'readBody' | 'openBody' | 'isBodyGone' | 'remoteAddress'
>;

/** 32 MiB: an address alone may send 16 envelopes of 1 MiB at once. */
const DEFAULT_BYTES = 32 * 1024 * 1024;

/** The default of `maxUnauthenticatedBytes`: 32 MiB, or four of the largest envelopes. */
export const defaultUnauthenticatedBytes = (maxEnvelopeBytes = DEFAULT_MAX_ENVELOPE_BYTES): number =>
  Math.max(DEFAULT_BYTES, 4 * maxEnvelopeBytes);

/** Throws `INVALID_OPTION` unless an envelope of the largest size gets in while there is no other. */
export function assertFitsOne(
  owner: string,
  maxUnauthenticatedBytes: number,
  maxEnvelopeBytes: number,
): void {
  if (maxUnauthenticatedBytes >= 2 * maxEnvelopeBytes) return;
  throw xlinkError('INVALID_OPTION', {
    field: 'maxUnauthenticatedBytes',
    hint: `${owner}: maxUnauthenticatedBytes must be at least twice the largest envelope that is taken (${maxEnvelopeBytes} bytes: maxEnvelopeBytes, bodyLimits), as an address alone gets half of it.`,
  });
}

/**
 * Reads envelopes in bodies, which come from strangers until their signatures are verified. What costs least comes first:
 * the announced length, the room for it (see {@link BodyBudget}), the first bytes, and only then the rest.
 */
export class BodyIntake<Request extends IncomingBody = IncomingBody> {
  readonly #budget: BodyBudget;
  readonly #addressOf: (request: Request) => string | undefined;
  readonly #releases = hiddenMember<(() => void) | undefined>();

  /** `addressOf`: whose share of the room a request takes; those of unknown addresses share one. */
  constructor(maxBytes: number, addressOf: (request: Request) => string | undefined) {
    this.#budget = new BodyBudget(maxBytes);
    this.#addressOf = addressOf;
  }

  /**
   * The body, which takes room until {@link BodyIntake.release}; at once, if it is there. Throws `tooLarge`, `INTAKE_FULL…`, `PARSE_FAILED:SYNTAX`,
   * and what else `readBody` rejects with. `checkStart` is given the first bytes; default: an envelope must begin there.
   */
  read(
    request: Request,
    maxBytes: number,
    tooLarge: TooLarge = 'ENVELOPE_TOO_LARGE',
    checkStart: ((start: Uint8Array) => void) | undefined = assertOpensObject,
  ): Awaitable<Uint8Array> {
    const size = announcedBytes(request, maxBytes);
    if (size > maxBytes) throw xlinkError(tooLarge);
    this.take(request, size);
    return orElse(
      () => request.readBody(maxBytes, checkStart),
      (error) => {
        throw isXlinkError(error) && error.id === 'BODY_TOO_LARGE' ? xlinkError(tooLarge) : error;
      },
    );
  }

  /** Takes room for so many bytes, in the place of what the request has. Throws `INTAKE_FULL…`. */
  take(request: Request, size: number): void {
    this.release(request);
    this.#releases.set(request, this.#budget.take(this.#addressOf(request) ?? 'unknown', size));
  }

  /** Gives the room of a request back, once its sender is known or it is refused. Does nothing for one that takes none. */
  release(request: Request): void {
    const release = this.#releases.get(request);
    if (!release) return;
    release();
    this.#releases.set(request, undefined);
  }
}

type TooLarge = 'ENVELOPE_TOO_LARGE' | 'BODY_TOO_LARGE';

/** Content-Length; as much as there may be, where the body comes in chunks or over HTTP/2 without it. */
function announcedBytes(request: IncomingBody, maxBytes: number): number {
  if (!request.hasBody) return 0;
  const isChunked = request.header('transfer-encoding') !== undefined;
  const length = isChunked ? Number.NaN : Number(request.header('content-length') ?? Number.NaN);
  return length >= 0 ? length : maxBytes;
}
