import type { AuditSink, Identity, LimitStore, OperationsStore } from '@private.me/xlink';
import { isOrigin } from '../challenge/challenge.js';
import type { XlockPush } from '../push/push.js';
import { assertLasting } from '../util/lasting.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isBoolean,
  isFunction,
} from '../util/options.js';

/** Options of {@link XlockVerifier}. */
export interface XlockVerifierOptions {
  /** Origin of the service as browsers show it: devices show it, too, and keep their passkeys by it. https; http for this machine only. */
  readonly origin: string;
  /**
   * Signs challenges; devices keep its DID at registration, and take challenges of no other. Give the same one to every instance and at
   * every start. Default: a new one, which is good for tests only, and refused where `NODE_ENV` is `production`.
   */
  readonly identity?: Identity;
  /**
   * Challenges, devices and sessions. `FileOperationsStore` of `@private.me/xlink/file` for one process, `RedisOperationsStore` of
   * `@private.me/xlink/redis` or `PostgresOperationsStore` of `@private.me/xlink/postgres` for several; never shared between services. Default: in
   * memory, which forgets who registered, and is refused where `NODE_ENV` is `production`.
   */
  readonly store?: OperationsStore;
  /** Brings challenges to devices. Default none: links and codes only. */
  readonly push?: XlockPush;
  /** Where devices post their answers, a path below the origin; empty: over the relay only. Default `/xlock/answer`, as the middleware has it. */
  readonly answerPath?: string;
  /** How long a challenge can be redeemed, in ms, up to 1 hour. Default 300 000. */
  readonly challengeTtlMs?: number;
  /** How long the user has to answer, in ms, up to the time above. Default 120 000. */
  readonly responseTimeoutMs?: number;
  /** How long a session is good, in ms, up to 90 days. Default 86 400 000. */
  readonly sessionTtlMs?: number;
  /** How long an epoch of `ephemeral` logins is, in ms, up to 2^40; devices use the same. Default 86 400 000, one day. */
  readonly epochMs?: number;
  /** Whether the user must type the digits of the login page on the device. Default `true`; without it a push can be approved by habit. */
  readonly numberMatching?: boolean;
  /** Logins that are pushed for one user in `pushWindowMs`; further ones are made, and opened by link. Default 5. */
  readonly maxPushes?: number;
  /** In ms. Default 300 000. */
  readonly pushWindowMs?: number;
  /** How long nothing is pushed after a denial, in ms; 0: no pause. Default 60 000. */
  readonly denialPauseMs?: number;
  /** Counts what is asked for. Default: in memory, for this process. `RedisLimitStore` of `@private.me/xlink/redis` for
   * several; with Postgres alone each instance counts for itself. */
  readonly limits?: LimitStore;
  /** Told every event; where it cannot be written, nobody is let in (`AUDIT_UNAVAILABLE`). Default none. */
  readonly audit?: Pick<AuditSink, 'append'>;
  /** How often an answer is looked for that another instance took, in ms. Default 250. */
  readonly pollMs?: number;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const NAMES = [
  'origin',
  'identity',
  'store',
  'push',
  'answerPath',
  'challengeTtlMs',
  'responseTimeoutMs',
  'sessionTtlMs',
  'epochMs',
  'numberMatching',
  'maxPushes',
  'pushWindowMs',
  'denialPauseMs',
  'limits',
  'audit',
  'pollMs',
  'clock',
] as const satisfies readonly (keyof XlockVerifierOptions)[];

/** Throws `INVALID_OPTION`. */
export function checkVerifierOptions(options: XlockVerifierOptions): void {
  const OWNER = 'XlockVerifier';
  checkNames(OWNER, options, NAMES);
  if (!isOrigin(options.origin))
    throw invalidOption(
      'origin',
      `${OWNER}: origin must be one as browsers write it, such as https://acme.com; http of this machine only.`,
    );
  const check = (name: keyof XlockVerifierOptions, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(OWNER, name, options[name] as unknown, isGood, what);
  const { challengeTtlMs = 300_000 } = options;
  check('identity', (value) => typeof Object(value).did === 'string', 'an Identity');
  check('store', hasMethods('load', 'list', 'save', 'remove'), 'an OperationsStore of @private.me/xlink');
  check('push', hasMethods('send'), 'an object with send()');
  check(
    'answerPath',
    (value) => value === '' || /^\/[\w./-]*$/.test(String(value)),
    'a path such as /xlock/answer',
  );
  check('challengeTtlMs', integerIn(1000, 3_600_000), 'a whole number of ms from 1000 to 3600000');
  check(
    'responseTimeoutMs',
    integerIn(1000, challengeTtlMs),
    'a whole number of ms from 1000 to challengeTtlMs',
  );
  check('sessionTtlMs', integerIn(1000, 90 * 86_400_000), 'a whole number of ms up to 90 days');
  check('epochMs', integerIn(1000, 2 ** 40), 'a whole number of ms from 1000 to 2^40');
  check('numberMatching', isBoolean, 'true or false');
  check('maxPushes', integerIn(1, 1000), 'a whole number from 1 to 1000');
  check('pushWindowMs', integerIn(1000, 86_400_000), 'a whole number of ms up to a day');
  check('denialPauseMs', integerIn(0, 86_400_000), 'a whole number of ms up to a day');
  check('limits', hasMethods('take'), 'a LimitStore of @private.me/xlink');
  assertLasting(OWNER, 'store', options.store);
  assertLasting(OWNER, 'identity', options.identity);
  check('audit', hasMethods('append'), 'an AuditSink of @private.me/xlink');
  check('pollMs', integerIn(10, 60_000), 'a whole number of ms from 10 to 60000');
  check('clock', isFunction, 'a function');
}
