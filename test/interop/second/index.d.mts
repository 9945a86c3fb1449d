// What interop.integration.test.ts uses of the second implementation.
export interface SecondIdentity {
  did: string;
  seed: Uint8Array;
  version: number;
}
export interface Message {
  from: string;
  to: string;
  content: unknown;
  scope: string;
  version: number;
  encrypted: boolean;
  timestamp: number;
  nonce: string;
  request?: string;
  contentDigest?: string;
  contentType?: string;
  inReplyTo?: string;
  shares?: { total: number; threshold: number };
  xchange?: boolean;
}
export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  json: any;
  error: string | undefined;
}
interface SecondRecord {
  did: string;
  epoch: number;
  x25519: string;
  mlKem768?: string;
  mlDsa65?: string;
  signature: string;
}
interface SecondEntry {
  record: unknown;
  status: string;
  sendScopes: readonly string[] | undefined;
  receiveScopes: readonly string[] | undefined;
}
interface ReceiveOptions {
  request?: string;
  requireBinding?: boolean;
  allowCleartext?: boolean;
  maxBytes?: number;
}
export class Peer {
  constructor(id: SecondIdentity, lookup: (did: string) => SecondEntry | undefined, options?: object);
  readonly did: string;
  readonly id: SecondIdentity;
  record(epoch?: number): SecondRecord;
  forget(did: string): void;
  seal(to: string, options: object): Promise<{ text: string; nonce: string }>;
  sealShares(to: string, options: object): Promise<string[]>;
  receive(input: string | Uint8Array, options?: ReceiveOptions): Promise<Message>;
}
export interface HttpOptions {
  body?: string | Uint8Array;
  contentType?: string;
  sentBody?: string | Uint8Array;
  target?: string;
  apiKeyHeader?: string;
  headers?: Record<string, string>;
  seal?: object;
}
export function identityFromSeed(seed: Uint8Array, version?: number): SecondIdentity;
export function toPkcs8(seed: Uint8Array): Uint8Array;
export function fromPkcs8(der: Uint8Array): Uint8Array;
export function createRecord(id: SecondIdentity, epoch?: number): SecondRecord;
export function verifyRecord(record: unknown, did?: string): { version: number };
export function bindRequest(method: string, target: string | Uint8Array): string;
export function toBase64url(bytes: Uint8Array): string;
export function utf8(text: string): Uint8Array;
/** The same envelope with the Ed25519 signature of `id`. */
export function resign(text: string, id: SecondIdentity): string;
export function outcome(promise: Promise<unknown>): Promise<string>;
export function sendBodyForm(
  peer: Peer,
  to: string,
  method: string,
  url: string,
  scope: string,
  content: unknown,
  options?: HttpOptions,
): Promise<Answer>;
export function sendHeaderForm(
  peer: Peer,
  to: string,
  method: string,
  url: string,
  scope: string,
  options?: HttpOptions,
): Promise<Answer>;
export function receiveRequest(
  peer: Peer,
  request: {
    method: string;
    target: string;
    headers: Record<string, string>;
    body?: Uint8Array;
  },
  options?: { allowCleartext?: boolean },
): Promise<Message | undefined>;
