import type { Did, Envelope, Scope } from './protocol.js';

/** Any JSON value. */
export type AuditData = unknown;

/** What is written into an audit log. Everything but `type` is optional; members that are `undefined` are left out. */
export interface AuditEntry {
  /** What happened: `request`, `message`, `mode`, `enrollment` or another word of at most 64 letters, digits, `-`, `_`, `:` and `.`. */
  readonly type: string;
  /** When, in ms since 1970, as the clock of the writer says. Default: now. */
  readonly at?: number;
  /** Who did it. */
  readonly from?: Did;
  /** To whom. */
  readonly to?: Did;
  /** Whose it is, where the adapter keeps clients. */
  readonly client?: string;
  /** Scope of the message or request. */
  readonly scope?: Scope;
  /** The HTTP request: `METHOD URL`, as in an envelope. */
  readonly request?: string;
  /**
   * The methods, in capitals, that middleware may give the request in the place of its own: by `X-HTTP-Method-Override`, `X-HTTP-Method`, `X-Method-Override`, or `_method` in the query.
   * Absent if there are none. The caller signs those in the query; of those in headers the service says so.
   */
  readonly overrides?: readonly string[];
  /** Nonce of the envelope. */
  readonly envelopeId?: string;
  /** `signed`: the envelope or its signature proves to anybody who sent it. `session`: a session does, to the service alone. */
  readonly evidence?: 'signed' | 'session';
  /** The signed envelope itself; without its payload where that is long. */
  readonly envelope?: Omit<Envelope, 'payload'> & Pick<Partial<Envelope>, 'payload'>;
  /** SHA-256 of that payload as it traveled, 32 bytes, base64url: with it the signature is verified all the same. */
  readonly payloadDigest?: string;
  /** Ed25519 signature, where the envelope itself is not kept; base64url. */
  readonly signature?: string;
  /** Of a request in a session: its leaf in the list that the next checkpoint of the session covers, base64url. */
  readonly leaf?: string;
  /** What was decided: `accepted`, `refused`, or another word. */
  readonly decision?: string;
  /** Why: `ok` or the id of an error. */
  readonly reason?: string;
  /** Everything else: an event, a receipt, as JSON. */
  readonly data?: AuditData;
}

/** An entry as it is read from a log. */
export interface RecordedEntry extends AuditEntry {
  /** Its place in the log, from 0. */
  readonly seq: number;
  readonly at: number;
}

/** An entry of a log, with what proves to others that it is there. */
export interface DisclosedEntry {
  /** Its place in the log, from 0. */
  readonly seq: number;
  /** The sealed entry, the key of this entry alone, and its inclusion proof, as one word: what an export has for each entry. */
  readonly proof: string;
  /** The checkpoint that it is proven by: a signed note (C2SP tlog-checkpoint). */
  readonly checkpoint: string;
}

/** Where entries go: an `AuditLog`, or what stands in its place. */
export interface AuditSink {
  /** Optional. Which log: `<DID of the service>/<name>`. */
  readonly origin?: string;
  /** Optional. Whether `append` may drop an entry, and resolves to `undefined` then. Default `false`. Such a log cannot fail closed. */
  readonly mayDrop?: boolean;
  /**
   * Resolves when the entry is durable, or was dropped where the sink is allowed to. Rejects if it could not be kept, and must be: what the
   * entry tells of is refused then.
   */
  append(entry: AuditEntry): Promise<unknown>;
  /** Optional. As `append`, and resolves to what proves the entry to others; to `undefined` if it was dropped. Receipts are proven by it. */
  appendProven?(entry: AuditEntry): Promise<DisclosedEntry | undefined>;
}
