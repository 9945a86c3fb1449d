import type { ChannelKind } from '../channel.js';

/** What is known when a way is chosen. */
export interface RouteFacts {
  /** A group, an HTTP API, or another agent. */
  readonly purpose: 'group' | 'http' | 'pair';
  /** Whether the other agent answers now; `unknown` where nobody could tell. */
  readonly peer: 'online' | 'offline' | 'unknown';
  /** What the caller wants: answers soon, or that nothing is lost when the other side goes away. */
  readonly latency: 'low' | 'any';
  /** Many small messages of which some may be lost. */
  readonly isTelemetry: boolean;
}

/** One row of the decision matrix. */
export interface RouteRow {
  /** Name of the row, for logs and tests. */
  readonly name: string;
  /** Whether the row is about these facts. */
  readonly matches: (facts: RouteFacts) => boolean;
  /** Kinds in the order in which they are tried. */
  readonly kinds: readonly ChannelKind[];
  /** Why, in one sentence. */
  readonly why: string;
}

/** The decision matrix: the first row that matches counts. */
export const ROUTES: readonly RouteRow[] = [
  {
    name: 'group',
    matches: ({ purpose }) => purpose === 'group',
    kinds: ['mls'],
    why: 'One message for all members, and keys that change in a logarithm of steps when somebody joins or leaves.',
  },
  {
    name: 'http-api',
    matches: ({ purpose }) => purpose === 'http',
    kinds: ['session', 'envelope'],
    why: 'The service speaks HTTP: sealed requests go through everything that HTTP goes through.',
  },
  {
    name: 'telemetry',
    matches: ({ isTelemetry }) => isTelemetry,
    kinds: ['noise'],
    why: 'A lost datagram must not hold up the next one, and what waits for days is worth nothing.',
  },
  {
    name: 'online',
    matches: ({ peer, latency }) => peer === 'online' && latency === 'low',
    kinds: ['noise', 'signal', 'envelope'],
    why: 'Both are there: a handshake of three messages, and then a key that only these two ever had.',
  },
  {
    name: 'online-lasting',
    matches: ({ peer }) => peer === 'online',
    kinds: ['signal', 'noise', 'envelope'],
    why: 'Nothing is in a hurry: a ratchet survives that one of them goes away.',
  },
  {
    name: 'offline',
    matches: ({ peer }) => peer === 'offline',
    kinds: ['signal', 'envelope'],
    why: 'The peer is away: its prekeys are there, and what is sent waits for it.',
  },
  {
    name: 'unknown',
    matches: () => true,
    kinds: ['noise', 'signal', 'envelope'],
    why: 'Nobody knows whether the peer is there: it is tried, and what comes of it is remembered.',
  },
];

/** The row for these facts. */
export const routeFor = (facts: RouteFacts): RouteRow => ROUTES.find(({ matches }) => matches(facts))!;
