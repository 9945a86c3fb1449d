import type { Received } from '../agent/receive.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { evidenceOf } from '../envelope/evidence.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import { overridesOf } from '../http/method-overrides.js';
import { RouteTable } from '../http/route-table.js';
import type { SessionCheckpoint } from '../session/checkpoint/ports.js';
import type { AuditEntry, AuditSink } from '../types/audit.js';
import type { XlinkEvent } from '../types/events.js';
import type { Did } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import { decodeUtf8 } from '../util/utf8.js';
import type { AdapterAudit } from './audit-option.js';
import { entriesOfCheckpoint } from './audited-checkpoints.js';
import { entryOfEvent } from './audited-events.js';
import type { AuthAttempt, Proof } from './authenticator.js';

export interface AuditorParts {
  readonly audit: AuditSink | AdapterAudit;
  /** The DID of the API. */
  readonly service: () => Promise<Did>;
  readonly onFault: (error: XlinkError) => void;
}

/** Writes what an adapter decides, and what happens to it, into an audit log. */
export class Auditor {
  readonly #log: AuditSink;
  readonly #routes = new RouteTable<true>();
  readonly #parts: AuditorParts;
  readonly #pending = new Set<Promise<void>>();
  /** The last entry could not be kept. */
  #isFailing = false;

  constructor(parts: AuditorParts) {
    const { audit } = parts;
    this.#parts = parts;
    this.#log = 'append' in audit ? audit : audit.log;
    const { failClosed = false } = 'append' in audit ? {} : audit;
    const routes = failClosed === true ? [{ path: '/' }] : failClosed || [];
    for (const route of routes) this.#routes.set(route, true);
  }

  /** Of a request that is let through. Where that is asked for, rejects with `AUDIT_UNAVAILABLE` if the entry cannot be kept. */
  async accepted(
    request: InboundRequest,
    attempt: AuthAttempt,
    sealed: Proof['fields'] = undefined,
  ): Promise<void> {
    const kept = this.#append(async () => ({
      ...(await this.#requestEntry(request, attempt, sealed)),
      ...(await evidence(attempt.received)),
      decision: 'accepted',
      reason: 'ok',
    }));
    if (this.#failsClosed(request)) return kept.catch(unavailable);
    kept.catch((error) => this.#fault(error));
  }

  /** Of a request that is refused. Those of strangers are left out: they could fill the disk, with copies of what others sent, too. */
  refused(request: InboundRequest, attempt: AuthAttempt, error: XlinkError): void {
    if (attempt.did === undefined && attempt.client === undefined) return;
    if (attempt.method === 'xlink' && !attempt.claimed) return;
    this.#append(async () => ({
      ...(await this.#requestEntry(request, attempt)),
      ...(await evidence(attempt.received)),
      decision: 'refused',
      reason: error.id,
    })).catch((thrown) => this.#fault(thrown));
  }

  /** Of what a caller signed of its session: kept before it is countersigned. Rejects with `AUDIT_UNAVAILABLE` if it cannot be. */
  readonly checkpoint = async (checkpoint: SessionCheckpoint): Promise<void> => {
    const entries = await entriesOfCheckpoint(checkpoint);
    await Promise.all(entries.map((entry) => this.#append(async () => entry))).catch(unavailable);
  };

  /** Of everything else that happens. */
  readonly observe = (event: XlinkEvent): void => {
    const entry = entryOfEvent(event);
    if (entry)
      this.#append(async () => ({ to: await this.#parts.service(), ...entry })).catch((error) =>
        this.#fault(error),
      );
  };

  /** Resolves when everything that was told so far is in the log, or could not be kept. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  /** Whether requests are refused while no entry can be kept. */
  get refusesUnkept(): boolean {
    return !this.#routes.isEmpty;
  }

  /** Rejects while entries cannot be kept. Where the last one could not, another one is tried: requests may wait for this to be well again. */
  async probe(): Promise<void> {
    if (!this.#isFailing) return;
    await this.#append(async () => ({ type: 'health', to: await this.#parts.service() })).catch(unavailable);
    if (this.#isFailing) throw xlinkError('AUDIT_UNAVAILABLE');
  }

  #append(entry: () => Promise<AuditEntry>): Promise<void> {
    const kept = entry().then((made) => this.#keep(made));
    this.#pending.add(kept);
    const done = () => void this.#pending.delete(kept);
    kept.then(done, done);
    return kept;
  }

  async #keep(entry: AuditEntry): Promise<void> {
    try {
      const kept = await this.#log.append(entry);
      this.#isFailing = this.#log.mayDrop === true && kept === undefined;
    } catch (error) {
      if (toXlinkError(error).code !== 'AUDIT_ENTRY_INVALID') this.#isFailing = true;
      throw error;
    }
  }

  #failsClosed(request: InboundRequest): boolean {
    return !this.#routes.isEmpty && this.#routes.readings(request).includes(true);
  }

  /** The query of a request with a key is left out: the key may be in it. */
  async #requestEntry(
    inbound: InboundRequest,
    { did, client, mode, method: by, received }: AuthAttempt,
    sealed?: Proof['fields'],
  ): Promise<AuditEntry> {
    const { method, target } = inbound;
    const overrides = overridesIn(inbound, sealed);
    const message = received?.message;
    const path = target.replace(/[?#].*$/s, '');
    return {
      type: 'request',
      ...given({
        from: did,
        client,
        to: message?.recipient ?? (await this.#parts.service()),
        scope: message?.scope,
      }),
      ...given({ envelopeId: message?.envelopeId }),
      request: message?.request ?? `${method} ${path}`,
      ...(overrides.length > 0 ? { overrides } : {}),
      data: { mode, method: by, ...signatureBase(received), ...sessionData(received) },
    };
  }

  #fault(thrown: unknown): void {
    this.#parts.onFault(toXlinkError(thrown));
  }
}

/** Every method that a handler may take the request for, whichever of its headers it is shown. */
function overridesIn({ method, target, header }: InboundRequest, sealed: Proof['fields']): readonly string[] {
  const values = (name: string) => [
    header(name),
    ...(sealed?.values ?? []).flatMap(([one, value]) => (one === name ? value : [])),
  ];
  const all = overridesOf({ method, target, header: (name) => values(name).filter(Boolean).join(',') });
  return [...new Set(all)].filter((one) => METHOD.test(one) && one !== method.toUpperCase());
}

const METHOD = /^[A-Z][A-Z-]{0,31}$/;

/** What a signature by RFC 9421 covers: without it, that proves nothing. */
const signatureBase = (received: Received | undefined) =>
  received?.signed ? { signatureBase: decodeUtf8(received.signed.ed25519.base) } : {};

/** What the leaf of a request in a session is made of beside the members of its entry. */
const sessionData = ({ message, leaf }: Partial<Received> = {}) =>
  leaf && message
    ? {
        session: {
          salt: encodeBase64url(leaf.salt),
          timestamp: message.timestamp,
          request: encodeBase64url(leaf.plaintext),
        },
      }
    : {};

/** What proves to others who sent a request. */
async function evidence(received: Received | undefined): Promise<Partial<AuditEntry>> {
  if (!received) return {};
  const { leaf } = received;
  if (received.inSession) return { evidence: 'session', ...(leaf && { leaf: encodeBase64url(leaf.leaf) }) };
  if (received.envelope) return { evidence: 'signed', ...(await evidenceOf(received.envelope)) };
  const { signed } = received;
  return signed ? { evidence: 'signed', signature: encodeBase64url(signed.ed25519.signature) } : {};
}

function unavailable(thrown: unknown): never {
  const known = toXlinkError(thrown);
  throw known.code === 'AUDIT_UNAVAILABLE' ? known : xlinkError('AUDIT_UNAVAILABLE', { cause: thrown });
}

/** The auditor of an adapter that has an audit log. */
export const auditorOf = (
  { audit, agent }: { readonly audit?: AuditSink | AdapterAudit; readonly agent: ServiceAgent },
  onFault: (error: XlinkError) => void,
): Auditor | undefined => audit && new Auditor({ audit, onFault, service: () => agent.ready() });
