import { ServiceAgent } from '../agent/service-agent.js';
import { isPolicyPoint } from '../checks/ask-policy.js';
import { xlinkError } from '../errors/errors.js';
import { assertFitsOne } from '../http/body-intake.js';
import { MODES } from '../types/mode.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isDate,
  isFunction,
  isObject,
  isPromptFunction,
  isString,
  type OptionCheck,
  oneOf,
  refuseOptions,
  requireOption,
} from '../util/options.js';
import { isAudit } from './audit-option.js';
import { checkBodyLimitKeys, isBodyLimit, largestEnvelope } from './body-limits.js';
import { checkClientLimits } from './client-limits/client-limits.js';
import { isEnrollmentVerifier } from './enrollment-verifiers.js';
import { checkKeyUseOptions } from './key-use/key-use.js';
import { checkBrownoutKeys, isBrownout } from './modes/brownouts.js';
import { checkRouteModeKeys, isRouteMode } from './modes/policy.js';
import type { DualModeOptions } from './options.js';
import { checkRouteEncryptionKeys, isRouteEncryption } from './route-encryption.js';
import { checkSessionOptions } from './sessions-option.js';

const isBooleanOrObject: OptionCheck = (value) =>
  isBoolean(value) && isObject(value) ? 'true, false, or an object of options' : undefined;
const isAgent: OptionCheck = (value) => (value instanceof ServiceAgent ? undefined : 'an Agent');
const isToken: OptionCheck = (value) =>
  typeof value === 'string' && /^[\w .-]{1,64}$/.test(value) ? undefined : 'a short text without quotes';
const isNames: OptionCheck = (value) =>
  Array.isArray(value) &&
  value.every((name) => typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name))
    ? undefined
    : 'an array of names';
const isHeaderPatterns: OptionCheck = (value) =>
  Array.isArray(value) &&
  value.every((name) => typeof name === 'string' && /^[\w!#$%&'+.^`|~-]+\*?$/.test(name))
    ? undefined
    : 'an array of header names, which may end in *';
const isTextsOf =
  (pattern: RegExp, what: string): OptionCheck =>
  (value) =>
    Array.isArray(value) && value.every((text) => typeof text === 'string' && pattern.test(text))
      ? undefined
      : `an array of ${what}`;
const isHosts = isTextsOf(/^[\w.:[\]-]{1,255}$/, 'hosts such as api.example.com, without scheme and path');
const isPaths = isTextsOf(/^\/[\x21-\x7e]{0,1023}$/, 'paths that begin with /');
/** The keys of every object in a list are checked first, so that a misspelled one is named. */
const listOf =
  (
    check: (owner: string, value: object) => void,
    owner: string,
    isOne: (value: unknown) => boolean,
    what: string,
  ): OptionCheck =>
  (value) => {
    if (!Array.isArray(value)) return what;
    for (const each of value.filter((one) => !isObject(one))) check(owner, each);
    return value.every(isOne) ? undefined : what;
  };
const isRouteModes = listOf(
  checkRouteModeKeys,
  'DualModeAdapter: routeModes',
  isRouteMode,
  `an array of { path, methods?, mode }, each mode one of ${MODES.join(', ')}`,
);
const isRouteEncryptions = listOf(
  checkRouteEncryptionKeys,
  'DualModeAdapter: routeEncryption',
  isRouteEncryption,
  "an array of { path, methods?, encryption }, each encryption 'required' or 'optional'",
);
const isBodyLimits = listOf(
  checkBodyLimitKeys,
  'DualModeAdapter: bodyLimits',
  isBodyLimit,
  'an array of { path, methods?, maxBytes }, up to 268435456',
);
const isClientModes: OptionCheck = (value) =>
  !isObject(value) && Object.values(value as object).every((mode) => MODES.includes(mode))
    ? undefined
    : `an object of a mode for each client, one of ${MODES.join(', ')}`;
const isBrownouts = listOf(
  checkBrownoutKeys,
  'DualModeAdapter: brownouts',
  isBrownout,
  'an array of { from, until }: two dates, the first before the second',
);
const isObservers: OptionCheck = (value) =>
  Array.isArray(value) && value.every((observer) => typeof observer === 'function')
    ? undefined
    : 'an array of functions';
const isVerifiers: OptionCheck = (value) =>
  Array.isArray(value) && value.every(isEnrollmentVerifier)
    ? undefined
    : 'an array of { member, verify }, each member a name of its own, 1 to 64 letters and digits';
const isHttpUrl: OptionCheck = (value) =>
  typeof value === 'string' && /^https?:\/\/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]+$/.test(value)
    ? undefined
    : 'an http or https URL';

/** Both sides of a migration are sometimes called a dual-mode adapter. */
const OF_CLIENT = 'DualModeClient takes it, the class for callers of an API';

/** Throws `INVALID_OPTION`. */
export function checkDualModeOptions(options: DualModeOptions): void {
  refuseOptions('DualModeAdapter', options, { xlink: OF_CLIENT, fallback: OF_CLIENT });
  checkOptions('DualModeAdapter', options, {
    agent: isAgent,
    legacyKeyValidator: isFunction,
    mode: oneOf(...MODES),
    apiKey: isObject,
    deprecation: isObject,
    requireRequestBinding: isBoolean,
    allowCleartext: isBoolean,
    signatures: isBoolean,
    sessions: isBooleanOrObject,
    routeEncryption: isRouteEncryptions,
    maxEnvelopeBytes: integerIn(1024, 2 ** 30),
    maxBodyBytes: integerIn(0, 2 ** 30),
    bodyLimits: isBodyLimits,
    maxUnauthenticatedBytes: integerIn(2048, 2 ** 40),
    refusalsPerSecond: integerIn(1, 1_000_000),
    addressOf: isPromptFunction,
    requestTarget: isPromptFunction,
    proxyHeaders: isHeaderPatterns,
    hosts: isHosts,
    publicPaths: isPaths,
    keyDirectory: isBoolean,
    skip: isPromptFunction,
    validatorTimeoutMs: integerIn(1, 600_000),
    exposeDetails: isBoolean,
    realm: isToken,
    routeModes: isRouteModes,
    clientModes: isClientModes,
    brownouts: isBrownouts,
    clients: hasMethods(
      'get',
      'list',
      'clientOf',
      'standingOf',
      'link',
      'unlink',
      'add',
      'setKeyOff',
      'setRevoked',
    ),
    clientId: isPromptFunction,
    clientScopes: isPromptFunction,
    onDowngrade: oneOf('accept', 'report', 'refuse'),
    maxDidsPerClient: integerIn(1, 100_000),
    enrollmentValidMs: integerIn(1000, 2 ** 40),
    enrollmentValidUntil: isPromptFunction,
    maxNoncesPerClient: integerIn(1, 2 ** 24),
    enrollment: isVerifiers,
    enrollmentsPerMinute: integerIn(1, 100_000),
    clientLimits: isObject,
    policy: isPolicyPoint,
    amountOf: isFunction,
    keySwitchGraceMs: integerIn(0, 2 ** 40),
    clientFlushIntervalMs: integerIn(1, 3_600_000),
    audit: isAudit,
    operations: hasMethods('load', 'list', 'save', 'remove'),
    keyUse: (value) => (typeof value === 'boolean' ? undefined : isObject(value)),
    instances: integerIn(1, 100_000),
    clock: isPromptFunction,
    observers: isObservers,
    tracer: hasMethods('trace'),
  });
  requireOption('DualModeAdapter', options, 'agent');
  requireOption('DualModeAdapter', options, 'legacyKeyValidator');
  checkOptions('DualModeAdapter: apiKey', options.apiKey ?? {}, {
    schemes: isNames,
    headers: isNames,
    query: isString,
    extract: isPromptFunction,
  });
  checkOptions('DualModeAdapter: deprecation', options.deprecation ?? {}, {
    since: isDate,
    sunset: isDate,
    migrationUrl: isHttpUrl,
  });
  const { maxUnauthenticatedBytes } = options;
  if (maxUnauthenticatedBytes !== undefined)
    assertFitsOne('DualModeAdapter', maxUnauthenticatedBytes, largestEnvelope(options));
  checkSessionOptions(options);
  if (options.clientLimits) checkClientLimits(options.clientLimits);
  if (typeof options.keyUse === 'object') checkKeyUseOptions(options.keyUse);
  if (options.clientModes || options.keyUse || options.enrollment?.length)
    requireOption('DualModeAdapter', options, 'clients');
  if (options.keyDirectory && !options.hosts?.length)
    throw xlinkError('INVALID_OPTION', {
      field: 'hosts',
      hint: 'DualModeAdapter: keyDirectory needs hosts, for it is signed for each of them.',
    });
  const { since, sunset } = options.deprecation ?? {};
  if (since && sunset && sunset < since) {
    throw xlinkError('INVALID_OPTION', {
      field: 'deprecation.sunset',
      hint: 'RFC 8594: the sunset is not before the deprecation.',
    });
  }
}
