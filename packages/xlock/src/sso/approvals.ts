import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { XlockError } from '../errors.js';
import { fromBase64url, lengthPrefixed, sameBytes, sha256, toBase64url } from '../util/bytes.js';
import { qrPath } from '../util/qr-path.js';
import { asked } from '../verifier/records.js';
import type { VerifiedAuth, XlockVerifier } from '../verifier/verifier.js';
import { cookieIn, cookieLine } from '../web/cookies.js';

/** The secret of a browser, 32 random bytes: approvals are bound to it. */
const BROWSER = 'xlock_sso';
const BROWSER_SECONDS = 86_400;
/** Approvals that may be asked for in one sign-in; wrong digits use one up. */
const MOST_TRIES = 10;

interface ApprovalRecord {
  readonly challengeId: string;
  readonly tries: number;
  /** SHA-256 of the binding, base64url. */
  readonly browser: string;
  /** In ms since 1970. */
  readonly until: number;
  /** Who approved; it stays. */
  readonly approved?: VerifiedAuth;
}

/** What the page of a sign-in shows while it waits. */
export interface ShownApproval {
  /** The two digits; empty without matching. */
  readonly match: string;
  /** Opens the challenge on a device. */
  readonly link: string;
  /** The link as a QR code. */
  readonly code: { readonly side: number; readonly path: string };
  /** How long the user has, in ms. */
  readonly leftMs: number;
}

/** Options of {@link Approvals}. */
export interface ApprovalsOptions {
  readonly verifier: XlockVerifier;
  readonly store: OperationsStore;
  /** Kind of the documents in the store. */
  readonly kind: string;
  /** How long an approval is kept for its sign-in, in ms. */
  readonly ttlMs: number;
  /** How long one question for the state waits, in ms. */
  readonly waitMs: number;
  readonly now: () => number;
  readonly deviceLink?: DeviceLink | undefined;
}

/** Makes the link that opens a challenge on a device, from the challenge as devices take it (base64url). */
export type DeviceLink = (challenge: string) => string;

/**
 * Approvals of sign-ins that one browser began. Which challenge belongs to a sign-in is kept here and never taken from the browser, and it is
 * redeemed only with the secret of the browser that asked: an approval of one sign-in is none of another.
 */
export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #records: Documents<ApprovalRecord>;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
    this.#records = new Documents(options.store, options.kind);
  }

  /** Asks for the approval of a sign-in. For who is no user the answer looks the same. Throws `CHALLENGE_GENERATION_FAILED…`. */
  async begin(
    request: IncomingMessage,
    response: ServerResponse,
    signIn: string,
    wanted: {
      readonly userId: string;
      readonly action: string;
      readonly metadata: Readonly<Record<string, string>>;
    },
  ): Promise<ShownApproval> {
    const { verifier, now, ttlMs, deviceLink } = this.#options;
    const before = await asked(() => this.#records.get(signIn));
    assertOpen(before);
    const binding = bindingOf(browserSecret(request, response, verifier), signIn);
    const { userId, ...rest } = wanted;
    const issued = await verifier.createLoginChallenge({ userId, ...rest, binding });
    await asked(() =>
      this.#records.update(signIn, (record) => {
        assertOpen(record);
        const tries = (record?.tries ?? 0) + 1;
        return { challengeId: issued.id, tries, browser: hashOf(binding), until: now() + ttlMs };
      }),
    );
    const { match, links, text, respondBy, issuedAt } = issued;
    const link = deviceLink ? deviceLink(text) : links.https;
    return { match, link, code: qrPath(link, 'low'), leftMs: respondBy - issuedAt };
  }

  /**
   * Waits for the approval of a sign-in, in the browser that asked for it; `undefined`: nobody answered yet. Throws what `verifyAuth` fails
   * with, and `CHALLENGE_INVALID:UNKNOWN` in any other browser.
   */
  async wait(
    request: IncomingMessage,
    response: ServerResponse,
    signIn: string,
  ): Promise<VerifiedAuth | undefined> {
    const record = await asked(() => this.#records.get(signIn));
    if (!record) throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
    const { verifier, waitMs } = this.#options;
    const binding = bindingOf(knownSecret(request, verifier), signIn);
    if (!sameBytes(record.browser, hashOf(binding))) throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
    if (record.approved) return record.approved; // the answer that said so was lost
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const verified = await verifier.verifyAuth(record.challengeId, { waitMs, binding, signal: gone.signal });
    if (!verified.ok) {
      if (Object(verified.error.details).pending) return undefined;
      throw verified.error;
    }
    await asked(() =>
      this.#records.update(signIn, (before) => {
        if (before?.challengeId !== record.challengeId) throw new XlockError('CHALLENGE_ALREADY_USED');
        return { ...before, approved: verified.value };
      }),
    );
    return verified.value;
  }

  /** Who approved a sign-in; `undefined` if nobody did. */
  async approved(signIn: string): Promise<VerifiedAuth | undefined> {
    return (await asked(() => this.#records.get(signIn)))?.approved;
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    const isOver = ({ until }: ApprovalRecord) => until < this.#options.now();
    for (const [name, record] of await this.#records.all())
      if (isOver(record)) await this.#records.removeIf(name, isOver);
  }
}

const hashOf = (text: string): string => toBase64url(sha256(text));

function assertOpen(record: ApprovalRecord | undefined): void {
  if (record?.approved) throw new XlockError('CHALLENGE_ALREADY_USED');
  if ((record?.tries ?? 0) >= MOST_TRIES) throw new XlockError('CHALLENGE_GENERATION_FAILED:FLOOD');
}

/** SHA-256 of the browser's secret and the sign-in, base64url: one cookie serves several tabs. */
export const bindingOf = (secret: string, signIn: string): string =>
  toBase64url(sha256(lengthPrefixed(['xlink/1 xlock sso', secret, signIn])));

/** The secret that the browser has, or a new one, which the answer gives it. */
export function browserSecret(
  request: IncomingMessage,
  response: ServerResponse,
  { origin }: XlockVerifier,
): string {
  const isSecure = origin.startsWith('https:');
  const known = cookieIn(request, BROWSER, isSecure);
  if (fromBase64url(known, 32)) return known!;
  const secret = toBase64url(randomBytes(32));
  response.appendHeader('set-cookie', cookieLine(BROWSER, secret, BROWSER_SECONDS, isSecure));
  return secret;
}

/** The secret that the browser has; empty if it has none. */
export const knownSecret = (request: IncomingMessage, { origin }: XlockVerifier): string =>
  cookieIn(request, BROWSER, origin.startsWith('https:')) ?? '';
