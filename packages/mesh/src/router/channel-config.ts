import type { ChannelKind, Target } from '../channel.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isBoolean,
  isText,
} from '../util/options.js';
import type { RouteFacts } from './routes.js';

/** What a caller of `establishChannel` says about the channel it wants. */
export interface ChannelConfig {
  /** The channel is for all members of this group. */
  readonly groupId?: string;
  /** The channel is for the HTTP API at this URL. */
  readonly url?: string;
  /** Where the other agent listens. Default: what the provider of Noise knows. */
  readonly addresses?: readonly string[];
  /** Which transport Noise takes. `udp` means telemetry: nothing waits, and some of it may be lost. Default: that of the address. */
  readonly transport?: 'tcp' | 'udp' | 'websocket';
  /** `low`: answers are wanted soon. `any`: what is sent must survive that the other side goes away. Default `low`. */
  readonly latency?: 'low' | 'any';
  /** Only channels with a hybrid key agreement. Default: that of the router. */
  readonly postQuantum?: boolean;
  /** Only these kinds. Default: all that the route has. */
  readonly only?: readonly ChannelKind[];
  /** Longest attempt of each kind, in ms. Default: that of the provider. */
  readonly timeoutMs?: number;
  /** Ends the attempt. */
  readonly signal?: AbortSignal;
}

const OWNER = 'establishChannel';
const KINDS: readonly string[] = ['noise', 'signal', 'mls', 'envelope', 'session'];
const NAMES = [
  'groupId',
  'url',
  'addresses',
  'transport',
  'latency',
  'postQuantum',
  'only',
  'timeoutMs',
  'signal',
];
const isDid = (value: string) => isText(value) && /^did:[a-z0-9]+:./.test(value);
const isTextList = (value: unknown) => Array.isArray(value) && value.every(isText);

/** The target with what the configuration says of it. Throws `INVALID_OPTION`. */
export function targetOf(target: string | Target, config: ChannelConfig): Target {
  checkNames(OWNER, config, NAMES);
  for (const name of ['groupId', 'url'] as const) checkValue(OWNER, name, config[name], isText, 'a text');
  checkValue(OWNER, 'addresses', config.addresses, isTextList, 'a list of addresses');
  const isTransport = (one: string) => ['tcp', 'udp', 'websocket'].includes(one);
  checkValue(OWNER, 'transport', config.transport, isTransport, 'tcp, udp or websocket');
  checkValue(OWNER, 'latency', config.latency, (one) => one === 'low' || one === 'any', 'low or any');
  checkValue(OWNER, 'postQuantum', config.postQuantum, isBoolean, 'true or false');
  const isKinds = (value: readonly string[]) =>
    Array.isArray(value) && value.every((kind) => KINDS.includes(kind));
  checkValue(OWNER, 'only', config.only, isKinds, `a list of ${KINDS.join(', ')}`);
  checkValue(OWNER, 'timeoutMs', config.timeoutMs, integerIn(1, 600_000), 'a whole number from 1 to 600000');
  checkValue(OWNER, 'signal', config.signal, hasMethods('addEventListener'), 'an AbortSignal');
  const given = typeof target === 'string' ? withName(target, config) : target;
  checkNames(`${OWNER} target`, given, ['did', 'groupId', 'url', 'addresses']);
  const { groupId = given.groupId, url = given.url, addresses = given.addresses } = config;
  const whole: Target = {
    ...(given.did === undefined ? {} : { did: given.did }),
    ...(groupId === undefined ? {} : { groupId }),
    ...(url === undefined ? {} : { url }),
    ...(addresses === undefined ? {} : { addresses }),
  };
  if (!isText(whole.did ?? whole.groupId ?? whole.url))
    throw invalidOption('target', `${OWNER}: the target needs a DID, a groupId or a url.`);
  const { did } = whole;
  if (did !== undefined && whole.groupId === undefined && whole.url === undefined && !isDid(did))
    throw invalidOption('target', `${OWNER}: the target is no DID (did:key:z…) and no http(s) URL.`);
  return whole;
}

/** A text is a DID, the URL of an API, or, with `groupId`, a name for the group that is not looked at. */
function withName(text: string, { groupId }: ChannelConfig): Target {
  if (groupId !== undefined) return {};
  return /^https?:\/\//.test(text) ? { url: text } : { did: text };
}

/**
 * A name for the target and what was asked for: one channel is kept for each. Who asks for more than another caller gets no channel that
 * was opened for less.
 */
export function keyOf({ did, groupId, url }: Target, config: ChannelConfig, postQuantum: boolean): string {
  const { only, transport, latency = 'low' } = config;
  const asked = [
    config.postQuantum ?? postQuantum,
    transport ?? 'any',
    latency,
    only ? [...only].sort() : 'all',
  ];
  const name = groupId !== undefined ? `group ${groupId}` : url === undefined ? `pair ${did}` : `http ${url}`;
  return `${name} ${asked.join(' ')}`;
}

/** How the target is called in events. */
export const labelOf = ({ did, groupId, url }: Target): string => groupId ?? url ?? did ?? '';

/** What the target is for. */
export function purposeOf({ groupId, url }: Target): RouteFacts['purpose'] {
  if (groupId !== undefined) return 'group';
  return url === undefined ? 'pair' : 'http';
}
