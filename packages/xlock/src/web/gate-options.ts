import type { IncomingMessage } from 'node:http';
import type { AddressOf } from '@private.me/xlink/http-api';
import { isOrigin } from '../challenge/challenge.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import { partsOfGiven } from '../verifier/parts.js';
import type { VerifiedRegistration, XlockVerifier } from '../verifier/verifier.js';
import type { WebauthnLogins } from './webauthn-routes.js';

/** Options of {@link XlockGate}. */
export interface XlockGateOptions {
  /** Makes and checks challenges and sessions. Its `answerPath` must be `publicPrefix`, `basePath` and `/answer`, or empty. */
  readonly verifier: XlockVerifier;
  /** Where the routes of the gate are, as the application sees paths; below a router of Express with its mount. Default `/xlock`. */
  readonly basePath?: string;
  /** What a proxy cuts off paths before the application sees them, such as `/shop`. Default none. */
  readonly publicPrefix?: string;
  /**
   * Where browsers without a session are sent (`303`) that ask for a page; a path, which itself passes, with `?next=` and the page that was asked
   * for. `false`: they get `401` as JSON, as all others do. Default: the page of the gate, `basePath` and `/sign-in`.
   */
  readonly loginPage?: string | false;
  /**
   * Paths that pass without a session, beside `loginPage`: those for which it is `true`, also by a promise; nothing else counts. Name what is public:
   * routers differ in what they take for one path (`/Admin`, `/admin/`), so that a list of what is *not* leaks. Paths with empty, dotted or encoded
   * segments are not asked for, and need a session. Default none.
   */
  readonly isPublic?: (path: string) => boolean | Promise<boolean>;
  /** Origin of an {@link approvalPage}: `link` of a login leads there, and so does what phones scan. Default: the link page of the gate. */
  readonly approvalPage?: string;
  /**
   * What the device shows: where the login comes from. What a screen cannot show is taken out, and long texts are cut. Default: the address of the
   * connection, and the browser by its name.
   */
  readonly metadataOf?: (request: IncomingMessage) => Readonly<Record<string, string>>;
  /** Told that a device registered. Default: not called. */
  readonly onRegistered?: (registration: VerifiedRegistration) => void;
  /** Told what failed with a status of 500 and more, and what functions of these options threw; browsers are not told. Default: not called. */
  readonly onError?: (error: unknown, request: IncomingMessage) => void;
  /** Passkeys of browsers, too: `WebauthnVerifier` of `@private.me/xlock/webauthn` with the same verifier. Default: only those of xLock. */
  readonly webauthn?: WebauthnLogins;
  /** Start of the names of cookies, which one host has for all its ports and paths. Default `xlock`: `xlock_session`, `xlock_browser`. */
  readonly cookiePrefix?: string;
  /** Logins that may be begun from one address in five minutes. Default 300. */
  readonly loginsPerAddress?: number;
  /** The address of a request, for that limit. Default: of the connection, if it is a public one: behind a proxy nothing is limited without this. */
  readonly addressOf?: AddressOf;
  /** How long a question for the state of a login waits, in ms, up to 60 000. Default 25 000. */
  readonly waitMs?: number;
}

const NAMES = [
  'verifier',
  'basePath',
  'publicPrefix',
  'loginPage',
  'isPublic',
  'approvalPage',
  'metadataOf',
  'onRegistered',
  'onError',
  'webauthn',
  'cookiePrefix',
  'loginsPerAddress',
  'addressOf',
  'waitMs',
] as const satisfies readonly (keyof XlockGateOptions)[];

const isPath = (path: unknown) =>
  /^\/[\w./-]*$/.test(String(path)) && !/\/\/|\/\.\.?(\/|$)/.test(String(path));

/** Throws `INVALID_OPTION`. */
export function checkGateOptions(options: XlockGateOptions): void {
  const OWNER = 'XlockGate';
  checkNames(OWNER, options, NAMES);
  const { basePath = '/xlock', publicPrefix = '', loginPage } = options;
  const check = (name: keyof XlockGateOptions, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(OWNER, name, options[name] as unknown, isGood, what);
  const { options: ofVerifier, origin } = partsOfGiven(OWNER, options.verifier);
  check('basePath', isPath, 'a path such as /xlock');
  check(
    'publicPrefix',
    (value) => value === '' || (isPath(value) && !String(value).endsWith('/')),
    'a path such as /shop',
  );
  check('loginPage', (value) => value === false || isPath(value), 'a path such as /login, or false');
  for (const name of ['isPublic', 'metadataOf', 'onRegistered', 'onError', 'addressOf'] as const)
    check(name, isFunction, 'a function');
  check('webauthn', hasMethods('verifyAuthentication'), 'a WebauthnVerifier');
  check('approvalPage', isOrigin, 'an origin such as https://approve.acme.com');
  if (options.approvalPage === origin)
    throw invalidOption('approvalPage', `${OWNER}: approvalPage must be another origin than the service.`);
  check('cookiePrefix', (value) => /^[\w-]{1,40}$/.test(String(value)), '1 to 40 letters, digits, _ and -');
  check('loginsPerAddress', integerIn(1, 1_000_000), 'a whole number from 1 to 1000000');
  check('waitMs', integerIn(0, 60_000), 'a whole number of ms from 0 to 60000');
  const { answerPath = '/xlock/answer' } = ofVerifier;
  const own = `${publicPrefix}${basePath.replace(/\/+$/, '')}/answer`;
  if (answerPath !== '' && answerPath !== own)
    throw invalidOption(
      'basePath',
      `${OWNER}: devices post to ${answerPath} (answerPath of the verifier), which must be ${own} (publicPrefix, basePath and /answer).`,
    );
  if (publicPrefix !== '' && typeof loginPage === 'string' && loginPage.startsWith(`${publicPrefix}/`))
    throw invalidOption(
      'loginPage',
      `${OWNER}: loginPage must be without publicPrefix, which the proxy cuts off.`,
    );
}
