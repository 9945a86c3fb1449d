import type { ServiceAgent } from '../agent/service-agent.js';
import { type DiscoveryDocument, ISSUED_SINCE, type SignedDiscoveryDocument } from '../discovery/document.js';
import { DOCUMENT_LIFETIME_MS } from '../discovery/signed-document.js';
import { recordVersion } from '../envelope/negotiate.js';
import { xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import type { Clock } from '../types/protocol.js';
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
  /** When one was signed for a caller that knew a newer one. */
  readonly newerAt: number;
  readonly renewAt: number;
}

/** How often callers that know a newer document of another instance may have one signed, in ms. */
const NEWER_EVERY_MS = 1000;
/** How far a document may be dated ahead for them at most, as clocks of instances differ, in ms. */
const MAX_AHEAD_MS = 10_000;

/**
 * The signed discovery document: one signature for each half of its life and each change, not for each request. A caller that knows a
 * newer one, of another instance, gets one that is newer still, at most once a second.
 */
export class PublishedDocument {
  readonly #parts: PublishedDocumentParts;
  readonly #proven = new BoundedMap<string, Kept>(PROVEN_HOSTS);
  readonly #others = new BoundedMap<string, Kept>(OTHERS);
  readonly #budget: HostBudget;
  #isWarned = false;
  #lastProven: string | undefined;

  constructor(parts: PublishedDocumentParts) {
    this.#parts = parts;
    this.#budget = new HostBudget(parts.clock);
  }

  /** Told of every request that was authenticated: its host is one under which callers reach the API. */
  prove(request: InboundRequest): void {
    if (this.#parts.hosts.length > 0) return;
    const host = hostOf(request);
    if (host !== this.#lastProven) this.#budget.prove(host);
    this.#lastProven = host;
  }

  /** Throws `DISCOVERY_BUSY` where a flood of hosts asks for documents of their own. */
  async for(request: InboundRequest): Promise<SignedDiscoveryDocument> {
    const { agent, hosts, facts, clock } = this.#parts;
    const named = hostOf(request);
    const spokenFor = hosts.length > 0 ? hosts : [named];
    const isProven = hosts.length > 0 || this.#budget.isProven(named);
    const documents = isProven ? this.#proven : this.#others;
    const key = spokenFor.join(' ');
    const now = clock();
    const did = await agent.ready(); // another identity may have taken the place
    const { keyEpoch } = agent;
    const current = JSON.stringify([did, facts(), keyEpoch?.keyEpoch]);
    const kept = documents.get(key);
    const since = issuedSince(request);
    const isNewEnough =
      (kept?.issuedAt ?? 0) > since || Math.abs(now - (kept?.newerAt ?? 0)) < NEWER_EVERY_MS;
    if (kept && kept.facts === current && now < kept.renewAt && isNewEnough) return kept.document;
    if (!isProven && !kept && !this.#budget.takeNew(this.#parts.addressOf(request)))
      throw xlinkError('DISCOVERY_BUSY'); // what was served before is renewed all the same
    if (hosts.length === 0) this.#warn(named);
    const issuedAt = issueTime(now, since, kept);
    const document = this.#sign(spokenFor, issuedAt);
    const { rotatesAt = now } = keyEpoch ?? {};
    const renewAt = now + DOCUMENT_LIFETIME_MS / 2;
    documents.set(key, {
      document,
      facts: current,
      issuedAt,
      newerAt: since < 0 ? (kept?.newerAt ?? 0) : now,
      renewAt: rotatesAt > now ? Math.min(renewAt, rotatesAt) : renewAt,
    });
    document.catch(() => documents.delete(key));
    return document;
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

/** Later than that of the last document and than what the caller knows. For one who asks, also than what others sign in this second. */
function issueTime(now: number, since: number, kept: Kept | undefined): number {
  const wanted = Math.max(since < 0 ? now : now + NEWER_EVERY_MS, since + 1, (kept?.issuedAt ?? 0) + 1);
  return Math.min(wanted, now + MAX_AHEAD_MS);
}

/** The `issuedAt` that the caller knows; -1: it does not say. */
function issuedSince({ target }: InboundRequest): number {
  const text = new URLSearchParams(target.split('?')[1]).get(ISSUED_SINCE) ?? '';
  return /^\d{1,16}$/.test(text) ? Number(text) : -1;
}

/** The host that a request names, as it may stand in a document. */
function hostOf(request: InboundRequest): string {
  const named = (request.header('host') ?? request.header(':authority') ?? '').toLowerCase();
  return HOST.test(named) ? named : 'localhost';
}
