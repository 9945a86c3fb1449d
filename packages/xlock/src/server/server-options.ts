import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LimitStore } from '@private.me/xlink';
import type { AddressOf } from '@private.me/xlink/http-api';
import type { Logger } from '@private.me/xlink/logging';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isFunction,
  isText,
} from '../util/options.js';
import type { XlockVerifierOptions } from '../verifier/options.js';
import type { XlockCodeOptions } from './code-routes.js';
import type { XlockRoute, XlockServerParts } from './kit.js';
import type { XlockPageOptions } from './page.js';
import type { XlockStorage } from './storage.js';

/** Something that answers everything below a path by itself, such as the approval page or an OpenID provider: no limits, roles or audit of the server. */
export interface XlockMount {
  /** Such as `/approve`: it gets that path and all below. */
  readonly path: string;
  readonly handle: (req: IncomingMessage, res: ServerResponse, server: XlockServerParts) => unknown;
}

/** Options of {@link XlockServer}. */
export interface XlockServerOptions {
  readonly storage: XlockStorage;
  /** Where browsers and devices reach it: what devices show, and keep their passkeys by. */
  readonly origin: string;
  /** More about the verifier, such as `push`. Default none. */
  readonly verifier?: Omit<
    XlockVerifierOptions,
    'origin' | 'identity' | 'store' | 'limits' | 'audit' | 'answerPath' | 'clock'
  >;
  /** More rows of the route table, made by `xlockRoute` and `xlockRawRoute`: validated, limited, in the document. Default none. */
  readonly routes?: readonly XlockRoute[];
  /** Default none. */
  readonly mounts?: readonly XlockMount[];
  /** Takes logins by one-time codes, too. Default none. */
  readonly codes?: XlockCodeOptions;
  /** Serves the approval page, and leads the links of challenges to it. Default none: they answer 404, and apps and `xlock approve` take them. */
  readonly page?: XlockPageOptions;
  readonly logger: Logger;
  readonly version: string;
  /** Requests that are taken of one address, a minute. Default 6000. */
  readonly requestsPerAddress?: number;
  /** Of one token, a minute. Default 6000. */
  readonly requestsPerCaller?: number;
  /** Counts them for several instances together, such as a `RedisLimitStore`. While it is down, each counts for itself. Default: in memory, for this process. */
  readonly requestLimits?: LimitStore;
  /** Default: the other end of the connection. */
  readonly addressOf?: AddressOf;
  readonly clock?: () => number;
}

const OWNER = 'XlockServer';
const NEEDED = ['storage', 'origin', 'logger', 'version'] as const;
const NAMES = [
  ...NEEDED,
  ...[
    'verifier',
    'routes',
    'mounts',
    'page',
    'codes',
    'requestsPerAddress',
    'requestsPerCaller',
    'requestLimits',
    'addressOf',
    'clock',
  ],
];

const isPart = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isMount = (value: unknown): boolean => {
  const { path, handle } = (value ?? {}) as Partial<XlockMount>;
  return typeof path === 'string' && /^\/./.test(path) && !path.endsWith('/') && typeof handle === 'function';
};

/** Throws `INVALID_OPTION`; what the verifier takes is checked by the verifier. */
export function checkOptions(options: XlockServerOptions): void {
  checkNames(OWNER, options, NAMES);
  const check = (name: keyof XlockServerOptions, isGood: (value: unknown) => boolean, what: string) =>
    checkValue(OWNER, name, options[name] as unknown, isGood, what);
  for (const name of NEEDED)
    if (options[name] === undefined) throw invalidOption(name, `${OWNER}: ${name} is needed.`);
  check('storage', isPart, 'what openXlockStorage() gives');
  check('logger', hasMethods('info', 'error'), 'a logger, such as jsonLogger() makes');
  check('version', isText, 'a text');
  check('verifier', isPart, 'options of XlockVerifier');
  check('page', isPart, '{ origin } of the approval page');
  check('codes', isPart, '{ offline, sender }');
  check('routes', Array.isArray, 'rows made by xlockRoute and xlockRawRoute');
  check(
    'mounts',
    (value) => Array.isArray(value) && value.every(isMount),
    'mounts: each a path such as /approve, and handle()',
  );
  check('requestsPerAddress', integerIn(1, 1_000_000), 'a whole number from 1 to 1000000');
  check('requestsPerCaller', integerIn(1, 1_000_000), 'a whole number from 1 to 1000000');
  check('requestLimits', hasMethods('take'), 'a LimitStore of @private.me/xlink');
  check('addressOf', isFunction, 'a function');
  check('clock', isFunction, 'a function');
}
