/** The payload of a sealed answer. */
export interface SealedResponse {
  readonly status: number;
  readonly contentType?: string;
  /** base64url; absent for an empty body. */
  readonly body?: string;
}
