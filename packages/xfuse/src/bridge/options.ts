import type { Agent } from '@private.me/xlink';
import type { BaseAgent } from '@private.me/xlink/client';
import { checkNames, checkValue, integerIn, invalidOption, isFunction, isText } from '../util/options.js';
import type { BridgeObserver } from './events.js';

/** The API that is there, with keys. */
export interface LegacySide {
  /** Where it is; paths of requests are put behind it. */
  readonly endpoint: string;
  /** Its key. Default: the one that a request brings, or none. */
  readonly apiKey?: string;
  /** Header of the key. Default `X-API-Key`; `Authorization` sends `Bearer` and the key. */
  readonly apiKeyHeader?: string;
  /** Head of the answer, in ms; the body may take longer. Default `0`: no limit but those of `fetch` itself. */
  readonly timeoutMs?: number;
  /** Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The same API behind an adapter of xLink. */
export interface ModernSide {
  /** Who calls it. Default: a new identity, which enrolls with `apiKey`. */
  readonly agent?: Agent | BaseAgent;
  /** Where it is. Default: the endpoint of the legacy side. */
  readonly endpoint?: string;
  /** Key to enroll with, once. Default: that of the legacy side if both have one origin, else none. */
  readonly apiKey?: string;
  /** Head of the answer, in ms; of a mirrored request the whole answer. Default 10 000. */
  readonly timeoutMs?: number;
  /** In the place of `xlinkFetch({ agent, baseUrl: endpoint, apiKey })`. Default: that. */
  readonly fetch?: typeof fetch;
  /** Path for the dry run of a write on the modern side, by the path of the write, such as `{ '/transfer': '/transfer/preview' }`. Default none. */
  readonly dryRun?: Readonly<Record<string, string>>;
}

/** What counts as a difference. */
export interface CompareOptions {
  /** Headers that count, in lower case. Default `content-type` (without its parameters), `location`, `retry-after`. */
  readonly headers?: readonly string[];
  /** JSON paths that do not count: JSON Pointers (RFC 6901) in which `*` is any one member. Default none. */
  readonly ignore?: readonly string[];
  /** JSON paths whose values reports may show; all others are shown as type and length. Default none. */
  readonly reveal?: readonly string[];
  /** Most bytes of each body that are kept to compare, 1 KiB to 16 MiB. Default 256 KiB; of longer ones status and headers are compared. */
  readonly maxBytes?: number;
}

/** When the bridge takes traffic back from the modern side by itself. */
export interface BudgetOptions {
  /** Share of failed requests that is still in budget, 0 to 1. Default 0.02. */
  readonly errorRatio?: number;
  /** The window, in ms. Default 60 000. */
  readonly windowMs?: number;
  /** Requests in the window before anything is decided. Default 20. */
  readonly minimum?: number;
  /** From this share on the ratio goes to 0 at once, not one step down. Default 0.5. */
  readonly collapse?: number;
}

/** Options of `Xfuse.create`. */
export interface XfuseOptions {
  /** The API that is there. */
  readonly legacy: LegacySide;
  /** The one that takes its place. */
  readonly modern: ModernSide;
  /** What `fetch` does with a request that stays on the legacy side: `mirror` sends it to both. Default `route`. */
  readonly mode?: 'route' | 'mirror';
  /** Share of callers on the modern side at the start, 0 to 1. Default 0. */
  readonly aci?: number;
  /** The ratios that a step back goes down by. Default `[0, 0.1, 0.25, 0.5, 1]`. */
  readonly steps?: readonly number[];
  /** Default: on, with the defaults of {@link BudgetOptions}. `false`: the ratio changes only by hand. */
  readonly budget?: BudgetOptions | false;
  /** What counts as a difference. */
  readonly compare?: CompareOptions;
  /** Whose request it is: the same caller stays on the same side. Default: `caller` of the call; a call without one is drawn anew. */
  readonly caller?: (request: { readonly url: URL; readonly headers: Headers }) => string | undefined;
  /** Which place of the report a path belongs to. Default: the path with ids as `:id`. */
  readonly route?: (pathname: string) => string;
  /** Mirrored requests at the same time, 1 to 10 000; more are not mirrored. Default 32. */
  readonly maxMirrors?: number;
  /** Longest body of a request that is mirrored, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Told what happened. What they throw is ignored. Default none. */
  readonly observers?: readonly BridgeObserver[];
  /** Ms since 1970. Default `Date.now`. */
  readonly clock?: () => number;
  /** From 0 to below 1, for callers without a name. Default `Math.random`: it decides about traffic, not about secrets. */
  readonly random?: () => number;
}

const share = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= 1;
const isUrl = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isPointers = (value: unknown): boolean =>
  Array.isArray(value) && value.every((path) => typeof path === 'string' && path.startsWith('/'));
const isKey = (value: unknown): boolean => typeof value === 'string' && /^[\x21-\x7e]{1,4096}$/.test(value);
const isHeaderName = (value: unknown): boolean =>
  typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(value);

type Check = readonly [(value: unknown) => boolean, string];
const KEY: Check = [isKey, 'printable ASCII without spaces'];
const URL_: Check = [isUrl, 'an http(s) URL'];
const FUNCTION: Check = [isFunction, 'a function'];
const SHARE: Check = [share, 'a number from 0 to 1'];
const MS: Check = [integerIn(0, 3_600_000), 'ms, 0 to an hour'];

const LEGACY: Record<keyof LegacySide, Check> = {
  endpoint: URL_,
  apiKey: KEY,
  apiKeyHeader: [isHeaderName, 'the name of a header'],
  timeoutMs: MS,
  fetch: FUNCTION,
};
const MODERN: Record<keyof ModernSide, Check> = {
  agent: [(value) => typeof value === 'object' && value !== null && 'did' in value, 'an Agent'],
  endpoint: URL_,
  apiKey: KEY,
  timeoutMs: [integerIn(1, 3_600_000), 'ms, 1 to an hour'],
  fetch: FUNCTION,
  dryRun: [
    (value) => typeof value === 'object' && value !== null && isPointers(Object.entries(value).flat()),
    'a map of paths to paths',
  ],
};
const COMPARE: Record<keyof CompareOptions, Check> = {
  headers: [isTexts, 'names of headers'],
  ignore: [isPointers, 'JSON Pointers, which begin with /'],
  reveal: [isPointers, 'JSON Pointers, which begin with /'],
  maxBytes: [integerIn(1024, 2 ** 24), 'bytes, 1 KiB to 16 MiB'],
};
const BUDGET: Record<keyof BudgetOptions, Check> = {
  errorRatio: SHARE,
  windowMs: [integerIn(100, 86_400_000), 'ms, 100 to a day'],
  minimum: [integerIn(1, 100_000), '1 to 100 000'],
  collapse: SHARE,
};
const isSteps = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((step, at) => share(step) && (at === 0 || step > value[at - 1]));
const object: Check = [(value) => typeof value === 'object' && value !== null, 'an object'];
const BRIDGE: Record<keyof XfuseOptions, Check> = {
  legacy: object,
  modern: object,
  mode: [(value) => value === 'route' || value === 'mirror', 'route or mirror'],
  aci: SHARE,
  steps: [isSteps, 'rising numbers from 0 to 1'],
  budget: [(value) => value === false || object[0](value), 'an object, or false'],
  compare: object,
  caller: FUNCTION,
  route: FUNCTION,
  maxMirrors: [integerIn(1, 10_000), '1 to 10 000'],
  maxBodyBytes: [integerIn(0, 2 ** 26), 'bytes, at most 64 MiB'],
  observers: [(value) => Array.isArray(value) && value.every(isFunction), 'functions'],
  clock: FUNCTION,
  random: FUNCTION,
};

function check(owner: string, options: object, checks: Record<string, Check>): void {
  checkNames(owner, options, Object.keys(checks));
  for (const [name, [isGood, what]] of Object.entries(checks))
    checkValue(owner, name, (options as Record<string, unknown>)[name], isGood, what);
}

/** Throws `INVALID_OPTION`. */
export function checkBridgeOptions(options: XfuseOptions): void {
  const owner = 'Xfuse.create';
  check(owner, options, BRIDGE);
  for (const side of ['legacy', 'modern'] as const)
    if (options[side] === undefined) throw invalidOption(side, `${owner}: ${side} is missing.`);
  check(`${owner}: legacy`, options.legacy, LEGACY);
  if (options.legacy.endpoint === undefined)
    throw invalidOption('endpoint', `${owner}: legacy.endpoint is missing.`);
  check(`${owner}: modern`, options.modern, MODERN);
  check(`${owner}: compare`, options.compare ?? {}, COMPARE);
  if (options.budget) check(`${owner}: budget`, options.budget, BUDGET);
}
