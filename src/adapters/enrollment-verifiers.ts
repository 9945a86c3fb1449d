import type { ServiceAgent } from '../agent/service-agent.js';
import { isErrorId } from '../errors/known-rows.js';
import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import type { EnrollmentAdmission, EnrollmentVerifier } from '../types/ports.js';
import type { AgentMessage, Clock, KeyRecord } from '../types/protocol.js';
import { given } from '../util/given.js';
import { isMembers } from '../util/members.js';
import { TokenBucket } from '../util/token-bucket.js';
import { checkClientScopes } from './clients/clients.js';
import type { Introduction } from './introductions.js';

const OWN_MEMBERS: readonly unknown[] = ['keyRecord', 'keyProof'];

/** Whether a value of the option `enrollment` is one, and its member no other's in the list. */
export const isEnrollmentVerifier = (
  value: unknown,
  at: number,
  all: readonly unknown[],
): value is EnrollmentVerifier => {
  const { member, verify, attemptsPerMinute = 1 } = (value ?? {}) as Partial<EnrollmentVerifier>;
  return (
    typeof member === 'string' &&
    /^[A-Za-z0-9]{1,64}$/.test(member) &&
    !OWN_MEMBERS.includes(member) &&
    typeof verify === 'function' &&
    Number.isInteger(attemptsPerMinute) &&
    attemptsPerMinute >= 1 &&
    all.findIndex((one) => (one as Partial<EnrollmentVerifier> | null)?.member === member) === at
  );
};

export interface EnrollmentVerifiersParts {
  readonly verifiers: readonly EnrollmentVerifier[];
  readonly agent: ServiceAgent;
  readonly clock: Clock;
  /** Of a verifier that does not say how many. */
  readonly attemptsPerMinute: number;
}

/** What admits identities in the place of an API key. */
export class EnrollmentVerifiers {
  readonly #parts: EnrollmentVerifiersParts;
  readonly #attempts: ReadonlyMap<string, TokenBucket>;

  constructor(parts: EnrollmentVerifiersParts) {
    this.#parts = parts;
    const { verifiers, attemptsPerMinute, clock } = parts;
    this.#attempts = new Map(
      verifiers.map((one) => [
        one.member,
        new TokenBucket(one.attemptsPerMinute ?? attemptsPerMinute, clock, 1),
      ]),
    );
  }

  /** The one whose member an introduction brings; nothing of it is verified yet. */
  async of(introduction: Introduction): Promise<EnrollmentVerifier | undefined> {
    if (this.#parts.verifiers.length === 0) return undefined;
    const payload = await introduction.claimedPayload();
    if (!isMembers(payload)) return undefined;
    return this.#parts.verifiers.find(({ member }) => Object.hasOwn(payload, member));
  }

  /** Whether one more may be checked. */
  take({ member }: EnrollmentVerifier): boolean {
    return this.#attempts.get(member)!.take(member);
  }

  /** Throws `ENROLLMENT_REFUSED:NOT_ADMITTED`, or `ENROLLMENT_CHECK_FAILED` where it cannot be told. */
  async admit(
    verifier: EnrollmentVerifier,
    message: AgentMessage,
    keys: KeyRecord | undefined,
  ): Promise<EnrollmentAdmission> {
    const { member } = verifier;
    const payload = message.payload as Readonly<Record<string, unknown>>; // `of` has found the member in it
    let answer: Awaited<ReturnType<EnrollmentVerifier['verify']>>;
    try {
      answer = await verifier.verify({
        did: message.sender,
        ...given({ keys }),
        service: await this.#parts.agent.ready(),
        proof: payload[member],
        at: this.#parts.clock(),
      });
    } catch (cause) {
      throw isXlinkError(cause) ? cause : xlinkError('ENROLLMENT_CHECK_FAILED', { field: member, cause });
    }
    if (isMembers(answer) && 'refused' in answer) {
      const { refused } = answer as { refused: unknown };
      const isReason = typeof refused === 'string' && isErrorId(refused);
      throw xlinkError('ENROLLMENT_REFUSED:NOT_ADMITTED', {
        field: member,
        ...(isReason ? { reason: refused } : {}),
      });
    }
    return checked(answer, member);
  }
}

/** What a verifier answers decides who gets in: anything that is not in form is nobody's admission. */
function checked(answer: unknown, member: string): EnrollmentAdmission {
  const { client, scopes, validUntil, maxDids, undo } = (answer ?? {}) as Partial<EnrollmentAdmission>;
  const isEnd = validUntil === undefined || Number.isFinite(validUntil);
  const isNumber = maxDids === undefined || (Number.isInteger(maxDids) && maxDids >= 1);
  if (typeof client !== 'string' || client === '' || !Array.isArray(scopes) || !isEnd || !isNumber)
    throw xlinkError('ENROLLMENT_CHECK_FAILED', {
      field: member,
      cause: new TypeError(`verify of ${member} must answer { client, scopes } or { refused }`),
    });
  return {
    client,
    scopes: checkClientScopes(scopes)!,
    ...given({ validUntil, maxDids }),
    ...(undo ? { undo: () => undo.call(answer) } : {}),
  };
}
