import type { AgentMessage, Did } from '@private.me/xlink';
import { decodeBytes, encodeBytes } from '../bridge/signed-text.js';
import { isX0xError, X0xError } from '../errors.js';
import { idOf, type X0xId } from '../identity/ids.js';
import type { X0xKeyPair } from '../identity/key-pair.js';
import type { AgentCertificate } from '../layouts/certificate.js';
import { isOwn, type Revocation, type RevokedSubject, signRevocation } from '../layouts/revocation.js';
import { decodeRevocations, encodeRevocations } from '../layouts/revocation-file.js';
import type { Core } from './core.js';
import { fanOut } from './fan-out.js';
import { certificateIn, encodeShown, type ShownCertificate, shownIn } from './shown-certificates.js';
import { TOPICS } from './topics.js';

/** Records of one message at most. */
const MOST_AT_ONCE = 64;
/** Records about agents and machines that nobody here knows, taken from one sender until the restart. */
const MOST_UNKNOWN_OF_ONE = 32;
/** Records that are passed on in one message. */
const PASSED_AT_ONCE = 8;

/** A record and the announcement that gives its issuer the right to it; a subject that revokes itself needs none. */
interface Told {
  readonly revocation: Revocation;
  readonly shown: ShownCertificate | undefined;
}

/**
 * Revokes an agent or a machine, for good, and tells the peers as far as there are any. The instance may revoke itself, its machine, and agents
 * that its user certified: if they have named her in an announcement that came here, or `certificate`, which she issued, is given. Throws
 * `REVOCATION_INVALID…`.
 */
export async function revoke(
  core: Core,
  subject: RevokedSubject,
  reason?: string,
  certificate?: AgentCertificate,
): Promise<Revocation> {
  const { revocations, now, tell, agent } = core;
  const issuer = issuerOf(core, subject);
  const revocation = signRevocation(issuer, subject, now(), reason);
  const shown = isOwn(revocation) ? undefined : core.shown.of(subject.id, issuer.id);
  const known = shown ? certificateIn(shown, subject.id, issuer.publicKey) : certificate;
  const isNew = revocations.accept(revocation, { certificate: known });
  await applied(core, revocation);
  if (isNew) await revocations.save();
  tell({ type: 'revocation', outcome: 'ok' });
  if (agent) await passOn(core, [{ revocation, shown }]);
  return revocation;
}

function issuerOf({ identity }: Core, { kind, id }: RevokedSubject): X0xKeyPair {
  const { agent, machine, user } = identity;
  const own = kind === 'agent' ? agent : machine;
  if (own.id === id) return own;
  if (kind === 'agent' && user) return user;
  throw new X0xError('REVOCATION_INVALID:AUTHORITY');
}

/** Takes what others revoke. What is wrong with one record does not keep the others from counting. */
export class RevocationIntake {
  readonly #core: Core;
  readonly #unknown = new Map<X0xId, number>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Never throws for what is in the message. Throws if what it says could not be written down: it counts, and the message comes again, so
   * that it will be written.
   */
  async take(message: AgentMessage, sender: X0xId): Promise<void> {
    const { revocations, tell } = this.#core;
    const { revocations: text, shown: given } = Object(message.payload);
    const fresh: Told[] = [];
    for (const revocation of this.#recordsIn(text)) {
      try {
        const told = { revocation, shown: this.#shownFor(revocation, shownIn(given)) };
        if (await this.#accept(told, sender)) fresh.push(told);
      } catch (error) {
        tell({ type: 'revocation', outcome: isX0xError(error) ? error.id : 'REVOCATION_INVALID' });
      }
    }
    if (fresh.length === 0) return;
    for (const { revocation } of fresh)
      await applied(this.#core, revocation).catch((error: unknown) => tell({ type: 'fault', error }));
    await revocations.save();
    for (const _ of fresh) tell({ type: 'revocation', outcome: 'ok' });
    await passOn(this.#core, fresh, [message.sender]);
  }

  #recordsIn(text: unknown): readonly Revocation[] {
    try {
      return decodeRevocations(decodeBytes(text) ?? new Uint8Array(0)).slice(0, MOST_AT_ONCE);
    } catch (error) {
      const outcome = isX0xError(error) ? error.id : 'REVOCATION_INVALID';
      this.#core.tell({ type: 'revocation', outcome });
      return [];
    }
  }

  /** What the agent has shown here before, or what came with the record. A certificate alone is nothing: its issuer alone signed it. */
  #shownFor(revocation: Revocation, given: ShownCertificate | undefined): ShownCertificate | undefined {
    if (isOwn(revocation)) return undefined;
    const { subject, issuerPublicKey } = revocation;
    return this.#core.shown.of(subject.id, idOf(issuerPublicKey)) ?? given;
  }

  async #accept({ revocation, shown }: Told, sender: X0xId): Promise<boolean> {
    const { revocations } = this.#core;
    const { subject, issuerPublicKey } = revocation;
    const certificate = shown && certificateIn(shown, subject.id, issuerPublicKey);
    const isKnown = await isKnownHere(this.#core, subject);
    const count = this.#unknown.get(sender) ?? 0;
    if (!isKnown && count >= MOST_UNKNOWN_OF_ONE) return false;
    const isNew = revocations.accept(revocation, { certificate, isKnown });
    if (isNew && !isKnown) this.#unknown.set(sender, count + 1);
    return isNew;
  }
}

async function isKnownHere(core: Core, { kind, id }: RevokedSubject): Promise<boolean> {
  const { contacts, discovery, directory, identity, now } = core;
  if (kind === 'agent')
    return (
      id === identity.agent.id ||
      contacts.get(id) !== undefined ||
      discovery.get(id, now()) !== undefined ||
      (await directory.didsOf(id)).length > 0
    );
  const isIn = (machines: readonly { readonly machineId: X0xId }[]) =>
    machines.some(({ machineId }) => machineId === id);
  return (
    id === identity.machine.id ||
    isIn(discovery.list(now())) ||
    contacts.list().some(({ machines }) => isIn(machines))
  );
}

/** The agent is blocked and forgotten; a machine is forgotten, and that contacts were on it is kept. */
async function applied({ discovery, contacts, identity }: Core, { subject }: Revocation): Promise<void> {
  const { kind, id } = subject;
  if (kind === 'agent') {
    discovery.forgetAgent(id);
    if (id !== identity.agent.id) await contacts.blockKnown(id);
  } else {
    for (const agentId of discovery.forgetMachine(id)) await contacts.sawMachine(agentId, id);
  }
}

/** Those who revoked themselves together, others each with what gives the right to it. What fails is told, and stops nothing. */
async function passOn(core: Core, told: readonly Told[], except: readonly Did[] = []): Promise<void> {
  const own = told.filter(({ shown }) => !shown).map(({ revocation }) => revocation);
  const parcels = [];
  for (let at = 0; at < own.length; at += PASSED_AT_ONCE)
    parcels.push({ records: own.slice(at, at + PASSED_AT_ONCE), shown: undefined });
  for (const { revocation, shown } of told) if (shown) parcels.push({ records: [revocation], shown });
  for (const { records, shown } of parcels) {
    const revocations = encodeBytes(encodeRevocations(records));
    const payload = { revocations, ...(shown ? { shown: encodeShown(shown) } : {}) };
    await fanOut(core, TOPICS.revocation, payload, except).catch((error: unknown) =>
      core.tell({ type: 'fault', error }),
    );
  }
}
