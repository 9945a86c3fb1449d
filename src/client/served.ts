/** An answer, and what the request proved itself with. */
export interface Served {
  readonly response: Response;
  readonly method: 'xlink' | 'api-key';
}
