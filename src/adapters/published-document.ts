import type { ServiceAgent } from '../agent/service-agent.js';
import { type DiscoveryDocument, ISSUED_SINCE, type SignedDiscoveryDocument } from '../discovery/document.js';
import { DOCUMENT_LIFETIME_MS } from '../discovery/signed-document.js';
import { recordVersion } from '../envelope/negotiate.js';
import { xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import type { Clock } from '../types/protocol.js';
import { pause } from '../util/backoff.js';
import { BoundedMap } from '../util/bounded-map.js';
import { HostBudget, PROVEN_HOSTS } from './host-budget.js';

/** What the document says of the adapter, as of now. */
export type ServiceFacts = Pick<DiscoveryDocument, 'mode' | 'acceptsEnvelopes' | 'endpoints' | 'publicPaths'>;

export interface PublishedDocumentParts {
  readonly agent: ServiceAgent;
  readonly clock: Clock;
  /** The hosts it speaks for; none: the one that a request names. */
  readonly hosts: readonly string[];
  /** The address of a caller, for the share of the hosts that it may name. */
  readonly addressOf: (request: InboundRequest) => string | undefined;
  /** Told once, where no hosts are named, when a document is signed for a host that is not this machine. */
  readonly onUnnamedHost: () => void;
  readonly facts: () => ServiceFacts;
}

/** Hosts whose document is kept, where requests name them and nobody has proven them: more than may be new in half a life. */
const OTHERS = 256;

const LOOPBACK = /^(localhost|.+\.localhost|127\.[\d.]+|\[::1\])(:\d+)?$/;
const HOST = /^[\w.:[\]-]{1,255}$/;

interface Kept {
  readonly document: Promise<SignedDiscoveryDocument>;
  readonly facts: string;
  readonly issuedAt: number;
  readonly renewAt: number;
}

/** The next document for callers that know a newer one than that which is kept. */
interface Next {
  /** The latest `issuedAt` that one of them knows. */
  since: number;
  readonly document: Promise<SignedDiscoveryDocument>;
}

/** How often callers that know a newer document of another instance may have one signed, in ms; those of the time between wait for the same. */
const NEWER_EVERY_MS = 1000;
/** How far a document may be dated ahead for them at most, as clocks of instances differ, in ms. */
const MAX_AHEAD_MS = 10_000;

/**
 * The signed discovery document: one signature for each half of its life and each change, not for each request. Callers that know a
 * newer one, of another instance, get one that is newer still: the same for all of a second.
 */
export class PublishedDocument {
  readonly #parts: PublishedDocumentParts;
  readonly #proven = new BoundedMap<string, Kept>(PROVEN_HOSTS);
  readonly #others = new BoundedMap<string, Kept>(OTHERS);
  readonly #budget: HostBudget;
  readonly #next = new Map<string, Next>();
  /** When one was signed for such callers, by `performance.now()`. */
  readonly #newerAt = new BoundedMap<string, number>(PROVEN_HOSTS);
  #isWarned = false;
  #lastProven: string | undefined;

  constructor(parts: PublishedDocumentParts) {
    this.#parts = parts;
    this.#budget = new HostBudget(parts.clock);
  }

  /** Told of every request that was authenticated: its host is one under which callers reach the API. */
  prove(request: InboundRequest): void {
    if (this.#parts.hosts.length > 0) return;
    const named = namedHostOf(request);
    if (named !== this.#lastProven) this.#budget.prove(hostOf(request));
    this.#lastProven = named;
  }

  /** Throws `DISCOVERY_BUSY` where a flood of hosts asks for documents of their own. */
  async for(request: InboundRequest): Promise<SignedDiscoveryDocument> {
    const { hosts, clock } = this.#parts;
    const named = hostOf(request);
    const spokenFor = hosts.length > 0 ? hosts : [named];
    const isProven = hosts.length > 0 || this.#budget.isProven(named);
    const documents = isProven ? this.#proven : this.#others;
    const key = spokenFor.join(' ');
    const now = clock();
    const current = await this.#current();
    const kept = documents.get(key);
    const said = issuedSince(request);
    const since = isProven && said < now + MAX_AHEAD_MS ? said : -1; // nobody who is honest knows a later one
    if (kept && kept.facts === current && now < kept.renewAt)
      return kept.issuedAt > since ? kept.document : this.#newerThan(since, spokenFor);
    if (!isProven && !kept && !this.#budget.takeNew(this.#parts.addressOf(request)))
      throw xlinkError('DISCOVERY_BUSY'); // what was served before is renewed all the same
    if (hosts.length === 0) this.#warn(named);
    return this.#renew(spokenFor, documents, current, since + 1);
  }

  /** `earliest`: it is dated after that. */
  #renew(
    hosts: readonly string[],
    documents: BoundedMap<string, Kept>,
    facts: string,
    earliest: number,
  ): Promise<SignedDiscoveryDocument> {
    const key = hosts.join(' ');
    const now = this.#parts.clock();
    const before = this.#proven.get(key) ?? this.#others.get(key);
    const issuedAt = Math.min(Math.max(now, earliest, (before?.issuedAt ?? 0) + 1), now + MAX_AHEAD_MS);
    const document = this.#sign(hosts, issuedAt);
    const { rotatesAt = now } = this.#parts.agent.keyEpoch ?? {};
    const renewAt = now + DOCUMENT_LIFETIME_MS / 2;
    documents.set(key, {
      document,
      facts,
      issuedAt,
      renewAt: rotatesAt > now ? Math.min(renewAt, rotatesAt) : renewAt,
    });
    document.catch(() => documents.delete(key));
    return document;
  }

  #newerThan(since: number, hosts: readonly string[]): Promise<SignedDiscoveryDocument> {
    const key = hosts.join(' ');
    const known = this.#next.get(key);
    if (known) known.since = Math.max(known.since, since);
    const next = known ?? { since, document: this.#signNext(key, hosts) };
    this.#next.set(key, next);
    return next.document;
  }

  /** Dated such that it is also newer than what other instances sign in this second. */
  async #signNext(key: string, hosts: readonly string[]): Promise<SignedDiscoveryDocument> {
    const last = this.#newerAt.get(key) ?? -NEWER_EVERY_MS;
    await pause(last + NEWER_EVERY_MS - performance.now());
    const { since } = this.#next.get(key)!;
    this.#next.delete(key);
    this.#newerAt.set(key, performance.now());
    const earliest = Math.max(this.#parts.clock() + NEWER_EVERY_MS, since + 1);
    return this.#renew(hosts, this.#proven, await this.#current(), earliest);
  }

  async #current(): Promise<string> {
    const { agent, facts } = this.#parts;
    const did = await agent.ready(); // another identity may have taken the place
    return JSON.stringify([did, facts(), agent.keyEpoch?.keyEpoch]);
  }

  #warn(host: string): void {
    if (this.#isWarned || LOOPBACK.test(host)) return;
    this.#isWarned = true;
    this.#parts.onUnnamedHost();
  }

  async #sign(hosts: readonly string[], issuedAt: number): Promise<SignedDiscoveryDocument> {
    const { agent, facts } = this.#parts;
    const keyRecord = await agent.keyRecord();
    const succession = await agent.successions();
    return agent.signDiscovery({
      did: keyRecord.did,
      ...(agent.name === undefined ? {} : { name: agent.name }),
      keyRecord,
      versions: ([1, 2, 3] as const).filter(
        (version) => version <= recordVersion(keyRecord) && version >= agent.minVersion,
      ),
      hosts,
      ...facts(),
      ...(succession.length > 0 ? { succession } : {}),
      issuedAt,
      notAfter: issuedAt + DOCUMENT_LIFETIME_MS,
    });
  }
}

/** The `issuedAt` that the caller knows; -1: it does not say. */
function issuedSince({ target }: InboundRequest): number {
  const text = new URLSearchParams(target.split('?')[1]).get(ISSUED_SINCE) ?? '';
  return /^\d{1,16}$/.test(text) ? Number(text) : -1;
}

const namedHostOf = (request: InboundRequest): string =>
  request.header('host') ?? request.header(':authority') ?? '';

/** The host that a request names, as it may stand in a document. */
function hostOf(request: InboundRequest): string {
  const named = namedHostOf(request).toLowerCase();
  return HOST.test(named) ? named : 'localhost';
}
