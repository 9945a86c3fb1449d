/** A response as the handler made it. */
export interface PlainResponse {
  /** HTTP status. */
  readonly status: number;
  /** Content-Type, if there is one. */
  readonly contentType: string | undefined;
  /** Body, as bytes. */
  readonly body: Uint8Array;
}
