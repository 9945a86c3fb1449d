import { isScope } from '../envelope/fields.js';
import { ROUTE_CHECKS } from '../http/route-table.js';
import { looksLikeDidKey } from '../identity/did.js';
import {
  integerIn,
  isObject,
  isString,
  type OptionCheck,
  type OptionChecks,
  oneOf,
} from '../util/options.js';
import { MAX_ROUTE_LENGTH } from './limits.js';
import {
  DAYS,
  type PolicyAmount,
  type PolicyDocument,
  type PolicyLimits,
  type PolicyRule,
  type PolicyTime,
  REQUIREMENTS,
} from './rule.js';

const MAX_COUNT = 1_000_000_000;

/** One of something, or a list of them that is not empty. */
const some =
  (check: OptionCheck): OptionCheck =>
  (value) =>
    Array.isArray(value) && value.length === 0
      ? `${check(undefined)}, or a list that is not empty`
      : [value]
          .flat()
          .map(check)
          .find((complaint) => complaint !== undefined);

const isScopePattern: OptionCheck = (value) =>
  typeof value === 'string' && (value === '*' || isScope(value.replace(/\*$/, '')))
    ? undefined
    : 'a scope, which may end in *';
const isDid: OptionCheck = (value) => (looksLikeDidKey(value) ? undefined : 'a did:key');
const isId: OptionCheck = (value) =>
  typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)
    ? undefined
    : '1 to 64 characters of A-Z a-z 0-9 . _ -';
const isMethod: OptionCheck = (value) =>
  typeof value === 'string' && /^[A-Za-z-]+$/.test(value) ? undefined : 'an HTTP method';
const isClock: OptionCheck = (value) =>
  typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(value)
    ? undefined
    : 'a time of day such as 08:30';
const isRoute: OptionCheck = (value) =>
  typeof value === 'string' && value.length > MAX_ROUTE_LENGTH
    ? `at most ${MAX_ROUTE_LENGTH} characters`
    : ROUTE_CHECKS.path(value);
const isAmount: OptionCheck = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? undefined : 'a number';
const isList: OptionCheck = (value) => (Array.isArray(value) ? undefined : 'a list');
const isZone: OptionCheck = (value) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: String(value) });
    return typeof value === 'string' ? undefined : 'an IANA time zone';
  } catch {
    return 'an IANA time zone';
  }
};

export const DOCUMENT_CHECKS: OptionChecks<PolicyDocument> = {
  rules: isList,
  otherwise: oneOf('allow', 'deny'),
};

export const RULE_CHECKS: OptionChecks<PolicyRule> = {
  id: isId,
  scope: some(isScopePattern),
  from: some(isDid),
  client: some(isString),
  route: some(isRoute),
  method: some(isMethod),
  time: isObject,
  amount: isObject,
  effect: oneOf('allow', 'deny'),
  require: isList,
  limits: isObject,
  why: isString,
};

export const isRequirement = oneOf(...REQUIREMENTS);

export const TIME_CHECKS: OptionChecks<PolicyTime> = {
  days: some(oneOf(...DAYS)),
  from: isClock,
  until: isClock,
  zone: isZone,
};

export const AMOUNT_CHECKS: OptionChecks<PolicyAmount> = { above: isAmount, atMost: isAmount };

export const LIMIT_CHECKS: OptionChecks<PolicyLimits> = {
  requestsPerMinute: integerIn(1, MAX_COUNT),
  requestsPerHour: integerIn(1, MAX_COUNT),
  requestsPerDay: integerIn(1, MAX_COUNT),
};
