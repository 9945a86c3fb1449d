import type { ClientId, Did, Scope } from '../types/protocol.js';

/** What a rule can ask of a request that it lets through. */
export const REQUIREMENTS = ['2FA', 'audit-log', 'rate-limit', 'mutual-trust', 'signature-now'] as const;

/**
 * What a request has to meet. `2FA`: somebody approves it (port `approve`). `audit-log`: it is written down before anything is done
 * (port `audit`). `rate-limit`: it is within `limits`. `mutual-trust`: it is by xLink, from a DID that is registered and may be sent to.
 * `signature-now`: it carries an envelope or a signature of its own; a key or a session is not enough.
 */
export type PolicyRequirement = (typeof REQUIREMENTS)[number];

/** How many requests one caller may send that a rule is about. Windows begin with a request. */
export interface PolicyLimits {
  /** In a minute. Default: any number. */
  readonly requestsPerMinute?: number;
  /** In an hour. Default: any number. */
  readonly requestsPerHour?: number;
  /** In a day. Default: any number. */
  readonly requestsPerDay?: number;
}

/** What `rate-limit` means in a rule that has no `limits`: 60 requests a minute. */
export const DEFAULT_POLICY_LIMITS: PolicyLimits = { requestsPerMinute: 60 };

/** When a rule counts. All members that are given have to agree. */
export interface PolicyTime {
  /** Days of the week: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`. Default all. */
  readonly days?: readonly PolicyDay[];
  /** `HH:MM`, from when on. Default `00:00`. */
  readonly from?: string;
  /** `HH:MM`, until when; before `from`: on the next day. Default `24:00`. */
  readonly until?: string;
  /** IANA time zone of days and hours, such as `Europe/Berlin`. Default `UTC`. */
  readonly zone?: string;
}

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** A day of the week. */
export type PolicyDay = (typeof DAYS)[number];

/** Which amounts a rule is about, without their sign: -5000 counts as 5000. */
export interface PolicyAmount {
  /** More than this. Default: any. */
  readonly above?: number;
  /** This, or less. Default: any. */
  readonly atMost?: number;
}

/**
 * One rule, as data: which requests it is about, and what it says of them. All members that are given have to agree; a list agrees if
 * one of it does. A rule without any is about all requests.
 */
export interface PolicyRule {
  /** Its name in reports: 1 to 64 characters of A-Z a-z 0-9 . _ -. Default `rule-1` for the first. */
  readonly id?: string;
  /** Scopes; a trailing `*` stands for any ending: `finance:*`. */
  readonly scope?: Scope | readonly Scope[];
  /** DIDs of senders. */
  readonly from?: Did | readonly Did[];
  /** Clients of the API. */
  readonly client?: ClientId | readonly ClientId[];
  /** Path prefixes by whole segments, as those of `routeModes`. */
  readonly route?: string | readonly string[];
  /** HTTP methods; GET stands for HEAD, too. */
  readonly method?: string | readonly string[];
  /** Days and hours. */
  readonly time?: PolicyTime;
  /** Amounts. A request whose amount is unknown, as it has content that does not say one, is refused or burdened by such a rule, and not let through by it. */
  readonly amount?: PolicyAmount;
  /**
   * `deny` refuses, whatever other rules say. `allow` lets through what `otherwise: 'deny'` would refuse. Default `allow`; but a rule with
   * `require` or `limits` and without `effect` only asks for these, and lets nothing through.
   */
  readonly effect?: 'allow' | 'deny';
  /** What has to be met. Default nothing. */
  readonly require?: readonly PolicyRequirement[];
  /** Counted for each caller. Default none, and {@link DEFAULT_POLICY_LIMITS} under `rate-limit`. */
  readonly limits?: PolicyLimits;
  /** For people; shown by `explain`. */
  readonly why?: string;
}

/** What a rule does: `require` only asks for more of what is let through anyway. */
export type PolicyEffect = 'allow' | 'deny' | 'require';

/** What a rule does, said or not. */
export function effectOf({ effect, require, limits }: PolicyRule): PolicyEffect {
  return effect ?? ((require?.length ?? 0) > 0 || limits !== undefined ? 'require' : 'allow');
}

/** The document of a policy: what a file or store holds as JSON. */
export interface PolicyDocument {
  /** All of them count: a rule never takes the place of another. */
  readonly rules: readonly PolicyRule[];
  /** What becomes of requests that no `allow` rule is about. Default `allow`: a policy narrows what scopes grant. */
  readonly otherwise?: 'allow' | 'deny';
}
