// What interop.integration.test.ts uses of the second implementation.
export interface SecondIdentity {
  did: string;
  seed: Uint8Array;
  version: number;
  mlDsa65?: unknown;
}
export interface Message {
  from: string;
  to: string;
  kind: string;
  /** Parsed JSON, or the bytes of what is none. */
  content?: unknown;
  bytes?: Uint8Array;
  headers?: [string, string][];
  /** What a request may use. */
  scopes?: string[];
  scope: string;
  version: number;
  encrypted: boolean;
  timestamp: number;
  nonce: string;
  request?: string;
  fields?: string;
  fieldsDigest?: string;
  contentDigest?: string;
  contentType?: string;
  inReplyTo?: string;
  shares?: { total: number; threshold: number };
  xchange?: boolean;
}
export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  body: Uint8Array;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: any JSON
  json: any;
  error: string | undefined;
  /** Of the request that it answers. */
  sent: { nonce: string; request: string };
}
interface SecondRecord {
  did: string;
  epoch: number;
  keyEpoch: number;
  notBefore: number;
  notAfter: number;
  x25519: string;
  mlKem768?: string;
  mlDsa65?: string;
  next?: string;
  signature: string;
  pqSignature?: string;
}
interface RecordOptions {
  keyEpoch?: number;
  notBefore?: number;
  notAfter?: number;
  next?: Uint8Array;
  /** Whose encryption keys it has. */
  encryption?: SecondIdentity;
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
  kind?: string;
  inReplyTo?: string;
  ownScope?: string;
}
export class Peer {
  constructor(id: SecondIdentity, lookup: (did: string) => SecondEntry | undefined, options?: object);
  readonly did: string;
  readonly id: SecondIdentity;
  record(epoch?: number, more?: RecordOptions): SecondRecord;
  /** Gets to know a service that is called. */
  adopt(record: unknown): void;
  forget(did: string): void;
  seal(to: string, options: object): Promise<{ text: string; nonce: string }>;
  sealShares(to: string, options: object): Promise<string[]>;
  receive(input: string | Uint8Array, options?: ReceiveOptions): Promise<Message>;
  /** The head of an answer as text; the rest is for `sealAnswer`. */
  beginAnswer(
    message: Message,
    start: { status: number; bytes: Uint8Array },
    isFinal: boolean,
  ): Promise<{ text: string }>;
}
export interface HttpOptions {
  body?: string | Uint8Array;
  contentType?: string;
  sentBody?: string | Uint8Array;
  target?: string;
  apiKeyHeader?: string;
  /** Those that the caller set, which are covered. */
  headers?: Record<string, string>;
  /** What is changed on the way. */
  wire?: Record<string, string>;
  seal?: object;
}
export function identityFromSeed(seed: Uint8Array, version?: number): SecondIdentity;
export function toPkcs8(seed: Uint8Array): Uint8Array;
export function fromPkcs8(der: Uint8Array): Uint8Array;
export function createRecord(id: SecondIdentity, epoch?: number, more?: RecordOptions): SecondRecord;
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
): Promise<(Message & { seen: Record<string, string>; covered: string[] }) | undefined>;

export function createSuccession(
  from: SecondIdentity,
  to: SecondIdentity,
  more: { issuedAt: number; overlapMs: number },
): Record<string, unknown>;
export function signDiscovery(id: SecondIdentity, document: object): Record<string, unknown>;
export function checkDiscovery(
  document: unknown,
  rules: { origin: string; now: number; pinned?: string; seen?: { did: string; issuedAt: number } },
): Record<string, unknown> & { did: string; keyRecord: unknown };
type Bytes = Uint8Array | AsyncIterable<Uint8Array>;
export function openAnswer(
  peer: Peer,
  service: string,
  sent: Answer['sent'],
  answer: { status: number; headers: Record<string, string | undefined>; body: Bytes },
  options?: { maxBytes?: number },
): Promise<{
  status?: number;
  contentType?: string;
  headers?: [string, string][];
  body?: AsyncIterable<Uint8Array>;
  refusal?: { code: string; status: number };
}>;
export function readBody(body: AsyncIterable<Uint8Array>): Promise<Uint8Array>;
interface PlainAnswer {
  status: number;
  headers?: [string, string][];
  body?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}
/** The frames, one by one. */
export function sealAnswer(peer: Peer, message: Message, answer: PlainAnswer): AsyncIterable<Uint8Array>;
export function outside(answer: PlainAnswer): { status: number; headers: Record<string, string> };
