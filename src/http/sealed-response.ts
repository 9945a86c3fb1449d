/** Statuses that allow no body. */
const BODILESS = new Set([204, 205, 304]);

/** The status that a sealed answer travels under; its own is inside. */
export const sealedStatus = (status: number): number => (BODILESS.has(status) ? 200 : status);

/** The payload of a sealed answer. */
export interface SealedResponse {
  /** HTTP status of the handler's response. */
  readonly status: number;
  /** Its Content-Type, if it has one. */
  readonly contentType?: string;
  /** base64url; absent for an empty body. */
  readonly body?: string;
}
