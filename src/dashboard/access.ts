import { toXlinkError, type XlinkError } from '../errors/errors.js';
import type { Clock } from '../types/protocol.js';
import { within } from '../util/deadline.js';
import { TokenBucket } from '../util/token-bucket.js';
import type { DashboardOptions } from './options.js';
import { passwordCheck } from './password.js';

/** A request for the dashboard, as far as it matters who it is from. */
export interface Visitor {
  /** The header of that name. */
  readonly authorization: string | undefined;
  /** The framework's own request, for `authorize`. */
  readonly raw: unknown;
}

/** Why a viewer is not let in. */
export interface Denial {
  readonly status: 401 | 403 | 429 | 503;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `undefined`: come in. Never rejects. */
export type Access = (visitor: Visitor) => Promise<Denial | undefined>;

export interface AccessParts {
  readonly clock: Clock;
  /** Told why `authorize` failed. */
  readonly onFault: (error: XlinkError) => void;
  /** How long `authorize` may take. Default 5000. */
  readonly timeLimitMs?: number;
}

/** Different wrong passwords per minute and process. */
const GUESSES_PER_MINUTE = 20;

const FORBIDDEN: Denial = { status: 403, text: 'You may not see this.' };
const UNDECIDED: Denial = { status: 503, text: 'It could not be found out whether you may see this.' };
const LOGIN: Denial = {
  status: 401,
  text: 'This needs the password of the dashboard.',
  headers: { 'WWW-Authenticate': 'Basic realm="xLink dashboard", charset="UTF-8"' },
};
const TOO_MANY: Denial = {
  status: 429,
  text: 'Too many wrong passwords. Wait a minute.',
  headers: { 'Retry-After': '60' },
};

/** The one way in that the options name. */
export function accessOf({ authorize, password }: DashboardOptions<never>, parts: AccessParts): Access {
  if (password !== undefined) return byPassword(password, parts.clock);
  if (authorize) return (visitor) => byDecision(() => authorize(visitor.raw as never), parts);
  return async () => undefined;
}

/** Fails closed: only `true` opens. */
async function byDecision(
  ask: () => unknown,
  { onFault, timeLimitMs = 5000 }: AccessParts,
): Promise<Denial | undefined> {
  try {
    const asked = new Promise((resolve) => resolve(ask()));
    const verdict = await within(timeLimitMs, asked, () => new Error('authorize did not answer in time'));
    return verdict === true ? undefined : FORBIDDEN;
  } catch (cause) {
    onFault(toXlinkError(cause));
    return UNDECIDED;
  }
}

function byPassword(password: string, clock: Clock): Access {
  const check = passwordCheck(password);
  const guesses = new TokenBucket(GUESSES_PER_MINUTE, clock);
  let lockedUntil = 0;
  const judge = async (authorization: string): Promise<Denial | undefined> => {
    if (clock() < lockedUntil) return TOO_MANY;
    const verdict = await check(authorization);
    if (verdict === 'right') return undefined;
    // The same mistake again, as a forgotten tab makes it, tells a guesser nothing and locks no one out.
    if (verdict === 'wrong' && !guesses.take('')) lockedUntil = clock() + 60_000;
    return LOGIN;
  };
  let turn: Promise<unknown> = Promise.resolve();
  return async ({ authorization }) => {
    if (authorization === undefined || !/^Basic /i.test(authorization)) return LOGIN;
    // One after another: a thousand guesses at once are a thousand guesses.
    const judged = turn.then(() => judge(authorization));
    turn = judged.catch(() => {});
    return judged;
  };
}
