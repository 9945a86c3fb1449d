import type { Transport, WebSocketClass } from '@private.me/xlink';
import type { X0xObserver } from './announce/events.js';
import { PLACES_OPTIONS, type PlacesOptions } from './identity/places.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isFunction,
  isText,
} from './util/options.js';

/** Options of {@link X0xNode.open}. */
export interface X0xNodeOptions extends PlacesOptions {
  /** Where the relay is (`xlink relay`). https; http for localhost only. Default: none, and nobody is reached. */
  readonly relayUrl?: string;
  /** The DID of the relay. Default: the one that it shows at its address. */
  readonly relayDid?: string;
  /** Receives over a WebSocket of this class, such as that of `ws`. Default: long poll. */
  readonly webSocket?: WebSocketClass;
  /** In the place of a relay. Default none. */
  readonly transport?: Transport;
  /** How often the agent announces itself, in ms, from a second to an hour. Default 300 000: five minutes, as in x0x. */
  readonly heartbeatMs?: number;
  /** Told what happens, for metrics and logs. Default none. */
  readonly observers?: readonly X0xObserver[];
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const NAMES = [
  ...PLACES_OPTIONS,
  'relayUrl',
  'relayDid',
  'webSocket',
  'transport',
  'heartbeatMs',
  'observers',
  'clock',
] as const;

/** Throws `INVALID_OPTION`. */
export function checkNodeOptions(options: X0xNodeOptions): void {
  const owner = 'X0xNode.open';
  checkNames(owner, options, NAMES);
  checkValue(owner, 'relayUrl', options.relayUrl, isText, 'a URL');
  checkValue(owner, 'relayDid', options.relayDid, isText, 'a DID');
  checkValue(owner, 'webSocket', options.webSocket, isFunction, 'a class');
  checkValue(
    owner,
    'transport',
    options.transport,
    hasMethods('send', 'onReceive', 'dispose'),
    'a Transport',
  );
  checkValue(
    owner,
    'heartbeatMs',
    options.heartbeatMs,
    integerIn(1000, 3_600_000),
    'a whole number from 1000 to 3600000',
  );
  const areObservers = (list: readonly unknown[]) => Array.isArray(list) && list.every(isFunction);
  checkValue(owner, 'observers', options.observers, areObservers, 'a list of functions');
  checkValue(owner, 'clock', options.clock, isFunction, 'a function');
  if (options.relayUrl !== undefined && options.transport)
    throw invalidOption('transport', `${owner}: pass relayUrl or transport, not both.`);
}
