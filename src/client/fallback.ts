import { isXlinkError, type XlinkError } from '../errors/errors.js';

/**
 * Why the key was used in place of an envelope: the origin has no discovery document and never had one (`discovery`), its
 * signed document offers no enrollment (`enrollment`) or says that keys decide (`observe`: the envelope travels beside the
 * key), or it refused the envelope with a signed `XLINK_NOT_SUPPORTED` (`refused`). There is no other reason.
 */
export type FallbackReason = 'discovery' | 'enrollment' | 'refused' | 'observe';

/** Holds no key, path or payload. */
export interface FallbackEvent {
  /** Why the key was used. */
  readonly reason: FallbackReason;
  /** Origin of the service, such as `https://api.example.com`. */
  readonly origin: string;
}

/** The one answer of discovery that means: this is not an xLink service. */
export const isNotSupported = (error: unknown): error is XlinkError =>
  isXlinkError(error) && error.id === 'DISCOVERY_FAILED:NOT_SUPPORTED';
