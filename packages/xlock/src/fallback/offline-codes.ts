import { createHmac } from 'node:crypto';
import type { Identity, Result } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { isXlockError, XlockError } from '../errors.js';
import type { PasskeyVault } from '../passkey/vault.js';
import { fromBase64url, isMembers, lengthPrefixed, sha256, toBase64url, wipe } from '../util/bytes.js';
import { checkNames, integerIn, invalidOption } from '../util/options.js';
import { isDid, isSignedBy } from '../util/signed-by.js';
import { accountOf } from '../verifier/accounts.js';
import { attempted } from '../verifier/attempted.js';
import { type Parts, partsOfGiven } from '../verifier/parts.js';
import { asked } from '../verifier/records.js';
import { assertActive } from '../verifier/take-answer.js';
import type { VerifiedAuth, XlockVerifier } from '../verifier/verifier.js';
import type { EphemeralSource } from '../xid/claim.js';
import { codeOf, normalCode } from './code.js';

/** What a device tells the service of its codes: their hashes, signed by passkey and device. */
export interface OfflineStatement {
  readonly did: string;
  readonly deviceId: string;
  /** SHA-256, 32 bytes each, base64url. */
  readonly hashes: readonly string[];
  /** In ms since 1970. */
  readonly issuedAt: number;
  /** By the passkey, 64 bytes, base64url. */
  readonly signature: string;
  /** By the key of the device, 64 bytes, base64url. */
  readonly deviceSignature: string;
}

const LETTERS = 16;
const MOST_CODES = 32;
/** How old a statement may be, in ms. */
const FRESH_MS = 300_000;
/** How long codes are good, in ms: 90 days. */
const GOOD_MS = 90 * 86_400_000;

type Claim = Omit<OfflineStatement, 'signature' | 'deviceSignature'>;

const statementText = (
  signer: 'passkey' | 'device',
  origin: string,
  { did, deviceId, hashes, issuedAt }: Claim,
) => lengthPrefixed(['xlink/1 xlock offline codes', signer, origin, did, deviceId, issuedAt, ...hashes]);

const hashOf = (origin: string, did: string, code: string): string =>
  toBase64url(sha256(lengthPrefixed(['xlink/1 xlock offline code', origin, did, normalCode(code)])));

/** What {@link makeOfflineCodes} needs. */
export interface OfflineCodesRequest {
  /** Of the device, as it registered. */
  readonly identity: Identity;
  /** Has the passkey. */
  readonly vault: PasskeyVault;
  /** Of the device: the codes follow from it, so that its shares give them again. */
  readonly source: EphemeralSource;
  /** Of the passkey. */
  readonly did: string;
  /** Origin of the service. */
  readonly service: string;
  /** The account. Default the empty text. */
  readonly userId?: string;
  /** 1 to 32. Default 10. */
  readonly count?: number;
  /** Default: the epoch that it is now. Another one gives other codes. */
  readonly epoch?: number;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

/**
 * On the device, while it is online: codes of 16 letters (80 bits) for times when it is not, derived from its identity for this service and epoch. Keep them on
 * paper, or derive them again; hand the statement to {@link OfflineCodes.accept}, by which codes from before end.
 */
export async function makeOfflineCodes(
  request: OfflineCodesRequest,
): Promise<{ readonly codes: readonly string[]; readonly statement: OfflineStatement }> {
  const { identity, vault, source, did, service, userId = '', count = 10, clock = Date.now } = request;
  if (!integerIn(1, MOST_CODES)(count)) throw invalidOption('count', `count must be 1 to ${MOST_CODES}.`);
  const derived = await source.identityFor(
    `name:xlock offline codes ${service}`,
    request.epoch ?? source.epoch,
  );
  const key = await derived.deriveSubkey('xlink/1 identity xlock offline-codes');
  const codes = Array.from({ length: count }, (_, at) =>
    codeOf(
      createHmac('sha256', key)
        .update(lengthPrefixed([userId, at]))
        .digest()
        .subarray(0, LETTERS),
    ),
  );
  wipe(key);
  const owner = { service, userId };
  const hashes = codes.map((code) => hashOf(service, did, code));
  const claim = { did, deviceId: identity.did, hashes, issuedAt: clock() };
  const message = statementText('passkey', service, claim);
  const { signature, meta } = await vault.signChallenge({ ...owner, did, message });
  if (meta.did !== did) throw new XlockError('PASSKEY_NOT_FOUND');
  const deviceSignature = await identity.ed25519.sign(statementText('device', service, claim));
  const statement = {
    ...claim,
    signature: toBase64url(signature),
    deviceSignature: toBase64url(deviceSignature),
  };
  return { codes, statement };
}

interface Kept {
  readonly issuedAt: number;
  readonly deviceId: string;
  readonly hashes: readonly string[];
}

/**
 * One-time codes for a device that has no network, at the service. Like every code that is typed into a page they can be asked for by a
 * copy of it. Each is good once, by compare-and-set, for 90 days, and as long as its device is registered.
 */
export class OfflineCodes {
  readonly #parts: Parts;
  readonly #kept: Documents<Kept>;

  /** Throws `INVALID_OPTION`. */
  constructor(options: { readonly verifier: XlockVerifier }) {
    checkNames('OfflineCodes', options, ['verifier']);
    this.#parts = partsOfGiven('OfflineCodes', options.verifier);
    this.#kept = new Documents(this.#parts.records.store, 'xlock-offline');
  }

  /** Takes the codes of a device in the place of those that the passkey had before. Throws `RESPONSE_…`. */
  async accept(statement: unknown): Promise<void> {
    if (!isStatement(statement))
      throw new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field: 'statement' });
    const { did, deviceId, issuedAt, hashes, signature, deviceSignature } = statement;
    const { origin, now, records } = this.#parts;
    const isGood = (signer: 'passkey' | 'device', by: string, text: string) =>
      isSignedBy(by, statementText(signer, origin, statement), fromBase64url(text, 64)!);
    if (!isGood('passkey', did, signature) || !isGood('device', deviceId, deviceSignature))
      throw new XlockError('RESPONSE_SIGNATURE_INVALID');
    assertActive(await asked(() => records.accounts.get(did)), deviceId);
    if (Math.abs(now() - issuedAt) > FRESH_MS) throw new XlockError('CHALLENGE_EXPIRED');
    await asked(() =>
      this.#kept.update(did, (before) => {
        if (before && before.issuedAt >= issuedAt) throw new XlockError('CHALLENGE_ALREADY_USED');
        return { issuedAt, deviceId, hashes };
      }),
    );
    await this.#parts.tell({
      type: 'xlock-offline-codes',
      to: did,
      data: { device: deviceId, count: hashes.length },
    });
  }

  /** Takes a code that was typed; the result is for `beginSession`. Fails with `RESPONSE_SIGNATURE_INVALID:CODE`, also for one that was used, and for who has no account. Tries are not
   * counted: of 80 bits nobody guesses one, and a count would let strangers lock users out. */
  async redeem(request: {
    readonly userId?: string;
    readonly did?: string;
    readonly code: string;
  }): Promise<Result<VerifiedAuth, XlockError>> {
    checkNames('redeem', request, ['userId', 'did', 'code']);
    return attempted(async () => {
      const { origin, now, tell } = this.#parts;
      const account = await accountOf(this.#parts, request).catch((error: unknown) => {
        // Who has an account is not told.
        throw isXlockError(error, 'PASSKEY_NOT_FOUND')
          ? new XlockError('RESPONSE_SIGNATURE_INVALID:CODE')
          : error;
      });
      const { did, userId } = account;
      const hash = hashOf(origin, did, request.code);
      const kept = await asked(() => this.#kept.get(did));
      if (!kept?.hashes.includes(hash)) throw new XlockError('RESPONSE_SIGNATURE_INVALID:CODE');
      assertActive(account, kept.deviceId);
      await asked(() =>
        this.#kept.update(did, (before) => {
          const isGood = before?.issuedAt === kept.issuedAt && before.issuedAt + GOOD_MS > now();
          if (!isGood || !before.hashes.includes(hash))
            throw new XlockError('RESPONSE_SIGNATURE_INVALID:CODE');
          return { ...before, hashes: before.hashes.filter((one) => one !== hash) };
        }),
      );
      await tell({ type: 'xlock-answer', from: did, decision: 'accepted', data: { kind: 'offline' } });
      return { approved: true, did, userId, deviceId: kept.deviceId, challengeId: hash };
    });
  }

  /** How many codes of a passkey are left. */
  async left(did: string): Promise<number> {
    return (await asked(() => this.#kept.get(did)))?.hashes.length ?? 0;
  }
}

function isStatement(value: unknown): value is OfflineStatement {
  if (!isMembers(value)) return false;
  const { did, deviceId, hashes, issuedAt, signature, deviceSignature } = value;
  const isList = Array.isArray(hashes) && hashes.length >= 1 && hashes.length <= MOST_CODES;
  const areBytes = (length: number) => (text: unknown) => fromBase64url(text, length) !== undefined;
  return (
    isDid(did) &&
    isDid(deviceId) &&
    isList &&
    hashes.every(areBytes(32)) &&
    Number.isSafeInteger(issuedAt) &&
    (issuedAt as number) >= 0 &&
    [signature, deviceSignature].every(areBytes(64))
  );
}
