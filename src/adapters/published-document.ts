import type { ServiceAgent } from '../agent/service-agent.js';
import type { DiscoveryDocument, SignedDiscoveryDocument } from '../discovery/document.js';
import { DOCUMENT_LIFETIME_MS } from '../discovery/signed-document.js';
import { recordVersion } from '../envelope/negotiate.js';
import { xlinkError } from '../errors/errors.js';
import type { InboundRequest } from '../http/decision.js';
import type { Clock } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { TokenBucket } from '../util/token-bucket.js';

/** What the document says of the adapter, as of now. */
export type ServiceFacts = Pick<DiscoveryDocument, 'mode' | 'acceptsEnvelopes' | 'endpoints' | 'publicPaths'>;

export interface PublishedDocumentParts {
  readonly agent: ServiceAgent;
  readonly clock: Clock;
  /** The hosts it speaks for; none: the one that a request names. */
  readonly hosts: readonly string[];
  readonly facts: () => ServiceFacts;
}

/** Hosts whose document is kept, where requests name them. */
const CAPACITY = 100;
/** Documents signed in a minute for hosts that requests name: strangers must not make a service sign without end. */
const SIGNED_PER_MINUTE = 60;

const HOST = /^[\w.:[\]-]{1,255}$/;

interface Kept {
  readonly document: Promise<SignedDiscoveryDocument>;
  readonly facts: string;
  readonly renewAt: number;
}

/** The signed discovery document: one signature for each half of its life and each change, not for each request. */
export class PublishedDocument {
  readonly #parts: PublishedDocumentParts;
  readonly #kept = new BoundedMap<string, Kept>(CAPACITY);
  readonly #limit: TokenBucket;

  constructor(parts: PublishedDocumentParts) {
    this.#parts = parts;
    this.#limit = new TokenBucket(SIGNED_PER_MINUTE, parts.clock);
  }

  /** Throws `DISCOVERY_BUSY` where a flood of hosts asks for documents of their own. */
  async for(request: InboundRequest): Promise<SignedDiscoveryDocument> {
    const { agent, hosts, facts, clock } = this.#parts;
    const named = (request.header('host') ?? request.header(':authority') ?? '').toLowerCase();
    const spokenFor = hosts.length > 0 ? hosts : [HOST.test(named) ? named : 'localhost'];
    const key = spokenFor.join(' ');
    const now = clock();
    const did = await agent.ready(); // another identity may have taken the place
    const { keyEpoch } = agent;
    const current = JSON.stringify([did, facts(), keyEpoch?.keyEpoch]);
    const kept = this.#kept.get(key);
    if (kept && kept.facts === current && now < kept.renewAt) return kept.document;
    if (hosts.length === 0 && !this.#limit.take('')) throw xlinkError('DISCOVERY_BUSY');
    const document = this.#sign(spokenFor, now);
    const { rotatesAt = now } = keyEpoch ?? {};
    const renewAt = now + DOCUMENT_LIFETIME_MS / 2;
    this.#kept.set(key, {
      document,
      facts: current,
      renewAt: rotatesAt > now ? Math.min(renewAt, rotatesAt) : renewAt,
    });
    document.catch(() => this.#kept.delete(key));
    return document;
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
