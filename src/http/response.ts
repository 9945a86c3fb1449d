/** A response as the handler made it. */
export interface PlainResponse {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}
