import { DEFAULT_MAX_ENVELOPE_BYTES } from '../envelope/parse.js';
import type { RoutedRequest } from '../http/method-overrides.js';
import { isRouteWith, ROUTE_CHECKS, type Route, RouteTable } from '../http/route-table.js';
import { checkKeys, integerIn } from '../util/options.js';
import { DEFAULT_MAX_BODY_BYTES } from './limits.js';

/** How large bodies may be in a part of the API. */
export interface BodyLimit extends Route {
  /** Bytes of the body as the handler gets it, whether it comes sealed or beside an envelope. 256 MiB at most. */
  readonly maxBytes: number;
}

const isBytes = integerIn(0, 2 ** 28);

/** Throws `INVALID_OPTION` for a member that a {@link BodyLimit} does not have. */
export const checkBodyLimitKeys = (owner: string, value: object): void =>
  checkKeys(owner, value, [...Object.keys(ROUTE_CHECKS), 'maxBytes']);

/** Whether it is a {@link BodyLimit} and nothing else. */
export const isBodyLimit = isRouteWith('maxBytes', (value) => isBytes(value) === undefined);

/** Sealed headers, keys and signatures beside the content. */
const OVERHEAD_BYTES = 64 * 1024;

/** An envelope with a body of that size, which is base64url in it. */
const envelopeBytes = (bodyBytes: number): number => Math.ceil((bodyBytes * 4) / 3) + OVERHEAD_BYTES;

/** What says how large bodies may be. */
interface Options {
  readonly maxEnvelopeBytes?: number;
  readonly maxBodyBytes?: number;
  readonly bodyLimits?: readonly BodyLimit[];
}

/** The largest envelope that any route takes, from the options. */
export const largestEnvelope = ({ maxEnvelopeBytes, bodyLimits = [] }: Options): number =>
  Math.max(
    maxEnvelopeBytes ?? DEFAULT_MAX_ENVELOPE_BYTES,
    ...bodyLimits.map(({ maxBytes }) => envelopeBytes(maxBytes)),
  );

/** What one request may send. */
export interface RequestLimits {
  readonly maxBodyBytes: number;
  readonly maxEnvelopeBytes: number;
  /** Present where a route has a limit of its own: it holds for the content of an envelope, too, and in the place of the agent's. */
  readonly maxContentBytes?: number;
}

/** How large requests may be, by route. Of a path that routers may read in several ways, the smallest limit counts. */
export class BodyLimits {
  readonly #table = new RouteTable<number>();
  readonly #elsewhere: RequestLimits;

  constructor({ maxEnvelopeBytes, maxBodyBytes, bodyLimits = [] }: Options) {
    this.#elsewhere = {
      maxBodyBytes: maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES,
      maxEnvelopeBytes: maxEnvelopeBytes ?? DEFAULT_MAX_ENVELOPE_BYTES,
    };
    for (const { maxBytes, ...route } of bodyLimits) this.#table.set(route, maxBytes);
  }

  for(request: RoutedRequest): RequestLimits {
    if (this.#table.isEmpty) return this.#elsewhere;
    const readings = this.#table.readings(request);
    if (readings.every((limit) => limit === undefined)) return this.#elsewhere;
    const maxBytes = Math.min(...readings.map((limit) => limit ?? this.#elsewhere.maxBodyBytes));
    return {
      maxBodyBytes: maxBytes,
      maxEnvelopeBytes: envelopeBytes(maxBytes),
      maxContentBytes: maxBytes,
    };
  }
}
