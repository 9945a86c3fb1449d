import { checkReportOptions, type ReportOptions } from '../adapters/clients/cutover-report.js';
import type { MigrationPlan } from '../adapters/migration/plan.js';
import { xlinkError } from '../errors/errors.js';
import type { Clock } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isFunction,
  isObject,
  isPromptFunction,
  isString,
  type OptionCheck,
} from '../util/options.js';

/**
 * Who may see the dashboard, and what it shows. Exactly one of `authorize`, `password` and `unsafeOpenToEveryone` is
 * given: the page names clients and says how each of them fails.
 */
export interface DashboardOptions<Request = unknown> {
  /**
   * Lets a request in if it returns, or resolves to, exactly `true`. Anything else is 403; a throw, a rejection or no
   * answer within five seconds is 503.
   */
  authorize?(request: Request): Awaitable<boolean>;
  /**
   * HTTP Basic with any user name and this password, 16 characters at least. Use https: browsers send it in the clear.
   * After 20 different wrong passwords within a minute all are refused until the minute is over.
   */
  readonly password?: string;
  /** Lets in all that can reach the address. For tests, and where something in front asks who it is. */
  readonly unsafeOpenToEveryone?: true;
  /**
   * Lets operators change something from the page: take the plan's next step, change the mode of one client, schedule a brownout.
   * Each is asked back about, and leaves an event that says who and why. Default `false`: the page is for reading.
   */
  readonly actions?: boolean;
  /**
   * Who the viewer is, for `actions`: a name of at most 200 characters, which stands in the events. `undefined`, or a name that is
   * none, is a reader, who sees everything and changes nothing. Default with `password`: the user name that was typed beside it. Must be given with
   * `actions` otherwise.
   */
  operatorOf?(request: Request): Awaitable<string | undefined>;
  /** The plan whose next gate is shown, as of its last evaluation. Default: the page shows no gate. */
  readonly plan?: MigrationPlan;
  /** When a client counts as safe to switch. Give the plan the same. Default: as in {@link ReportOptions}. */
  readonly report?: ReportOptions;
  /** Heading of the page. Default `xLink migration`. */
  readonly title?: string;
  /**
   * How often an open page asks for figures, in ms, and how long they are shared: any number of viewers costs one reading
   * of the client store in that time. Default 2000.
   */
  readonly refreshMs?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

export const DEFAULT_TITLE = 'xLink migration';
export const DEFAULT_REFRESH_MS = 2000;
const MIN_PASSWORD_CHARACTERS = 16;
const WAYS_IN = ['authorize', 'password', 'unsafeOpenToEveryone'] as const;

const isPassword: OptionCheck = (value) =>
  typeof value === 'string' && value.length >= MIN_PASSWORD_CHARACTERS
    ? undefined
    : `a string of at least ${MIN_PASSWORD_CHARACTERS} characters`;
const isTrue: OptionCheck = (value) => (value === true ? undefined : 'true, or be left out');
const isPlan: OptionCheck = (value) =>
  typeof value === 'object' && value !== null && 'latest' in value ? undefined : 'a MigrationPlan';

export const DASHBOARD_CHECKS = {
  authorize: isFunction,
  password: isPassword,
  unsafeOpenToEveryone: isTrue,
  actions: isBoolean,
  operatorOf: isFunction,
  plan: isPlan,
  report: isObject,
  title: isString,
  refreshMs: integerIn(100, 3_600_000),
  clock: isPromptFunction,
};

/** Throws `INVALID_OPTION`; also where the dashboard would stand open without being told to. */
export function checkDashboardOptions(owner: string, options: DashboardOptions<never>): void {
  checkOptions(owner, options, DASHBOARD_CHECKS);
  checkReportOptions(`${owner}: report`, options.report ?? {});
  const given = WAYS_IN.filter((name) => options[name] !== undefined);
  if (given.length === 1) {
    checkOperators(owner, options);
    return;
  }
  throw xlinkError('INVALID_OPTION', {
    field: given[1] ?? 'authorize',
    hint:
      given.length === 0
        ? `${owner}: say who may see it: authorize, password, or unsafeOpenToEveryone: true.`
        : `${owner}: give one of ${given.join(', ')}, not several.`,
  });
}

/** Whoever changes something has a name. */
function checkOperators(owner: string, { actions, operatorOf, password }: DashboardOptions<never>): void {
  if (!actions || operatorOf || password !== undefined) return;
  throw xlinkError('INVALID_OPTION', {
    field: 'operatorOf',
    hint: `${owner}: actions need operatorOf, which says who acts: a name, or undefined for those who may only look.`,
  });
}
