import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import type { AgentCard } from '../layouts/card.js';
import { bytesIn, replaceFile } from '../util/private-file.js';
import { type Contact, type LocalRevocation, named, newContact, unpinned } from './contact.js';
import { decodeContacts, encodeContacts } from './contacts-file.js';
import { evaluateTrust, type TrustDecision } from './evaluate.js';
import { levelAfterImport, type TrustLevel } from './levels.js';

/** Seconds since 1970. */
export type Seconds = () => number;

type State = ReadonlyMap<X0xId, Contact>;

/** What an import did. */
export interface ImportOutcome {
  /** The contact as it is now. */
  readonly contact: Contact;
  /** Whether the level that was asked for was passed over, because a higher one or a block stays. */
  readonly ignored: boolean;
}

/**
 * The contacts of an instance, in `contacts.json`. A change counts once it is on the disk; changes wait for each other. One process has
 * the file at a time.
 */
export class Contacts {
  readonly #path: string;
  readonly #now: Seconds;
  #contacts: State;
  #revocations: readonly LocalRevocation[];
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, now: Seconds, contacts: State, revocations: readonly LocalRevocation[]) {
    this.#path = path;
    this.#now = now;
    this.#contacts = contacts;
    this.#revocations = revocations;
  }

  /** Opens the file, which is made with the first change. Throws `CONTACTS_DAMAGED`. Default `now`: the clock. */
  static async open(path: string, now: Seconds = () => Math.floor(Date.now() / 1000)): Promise<Contacts> {
    const file = await bytesIn(path);
    const { contacts, revocations } = file
      ? decodeContacts(new TextDecoder().decode(file))
      : { contacts: [], revocations: [] };
    return new Contacts(path, now, new Map(contacts.map((one) => [one.agentId, one])), revocations);
  }

  /** The contact; `undefined` if there is none. */
  get(agentId: X0xId): Contact | undefined {
    return this.#contacts.get(agentId);
  }

  /** All of them. */
  list(): readonly Contact[] {
    return [...this.#contacts.values()];
  }

  /** Revocations by the operator of this instance. */
  get revocations(): readonly LocalRevocation[] {
    return this.#revocations;
  }

  /** Whether the operator revoked it here. */
  isRevoked(agentId: X0xId): boolean {
    return this.#revocations.some((one) => one.agentId === agentId);
  }

  /** What comes of an agent on a machine; `undefined`: the machine is not known. */
  evaluate(agentId: X0xId, machineId: X0xId | undefined): TrustDecision {
    return evaluateTrust(this.get(agentId), machineId);
  }

  /** Sets the level, of a new contact too. One that was revoked stays blocked. */
  setTrust(agentId: X0xId, level: TrustLevel, label?: string): Promise<Contact> {
    return this.#change(agentId, (contact) => ({
      ...contact,
      trustLevel: level,
      label: label ?? contact.label,
    }));
  }

  /** Sets whether its machines matter. */
  setIdentityType(agentId: X0xId, identityType: Contact['identityType']): Promise<Contact> {
    return this.#change(agentId, (contact) => ({ ...contact, identityType }));
  }

  /** Takes the name and the level of a card: never lowers a level, and lifts no block. The card is verified before. */
  async import(card: AgentCard, asked: TrustLevel): Promise<ImportOutcome> {
    let ignored = false;
    const contact = await this.#change(card.agent_id, (known, isNew) => {
      const after = levelAfterImport(isNew ? undefined : known.trustLevel, asked);
      ignored = after.ignored;
      const { dm_capabilities: dmCapabilities } = card;
      return { ...known, trustLevel: after.level, label: card.display_name, dmCapabilities };
    });
    return { contact, ignored: ignored || contact.trustLevel !== asked };
  }

  /** Keeps a machine that an agent was seen on. */
  addMachine(agentId: X0xId, machineId: X0xId, label?: string): Promise<Contact> {
    const now = this.#now();
    return this.#change(agentId, (contact) => {
      const known = contact.machines.find((one) => one.machineId === machineId);
      const seen = known
        ? { ...known, lastSeen: now, label: label ?? known.label }
        : { machineId, label, firstSeen: now, lastSeen: now, pinned: false };
      const machines = [...contact.machines.filter((one) => one !== known), seen];
      return { ...contact, lastSeen: now, machines };
    });
  }

  /** Takes this machine, and no other that is not pinned. Throws `CONTACT_UNKNOWN` for a machine that was not added. */
  pin(agentId: X0xId, machineId: X0xId): Promise<Contact> {
    return this.#pinned(agentId, machineId, true);
  }

  /** Takes a pin back; with the last one every machine is taken again. Throws `CONTACT_UNKNOWN`. */
  unpin(agentId: X0xId, machineId: X0xId): Promise<Contact> {
    return this.#pinned(agentId, machineId, false);
  }

  /** Forgets a machine. Throws `CONTACT_UNKNOWN`. */
  removeMachine(agentId: X0xId, machineId: X0xId): Promise<Contact> {
    return this.#change(agentId, (contact) => {
      machineOf(contact, machineId);
      return unpinned({
        ...contact,
        machines: contact.machines.filter((one) => one.machineId !== machineId),
      });
    });
  }

  /** Forgets a contact; what was revoked stays revoked. Throws `CONTACT_UNKNOWN`. */
  remove(agentId: X0xId): Promise<void> {
    return this.#write(async () => {
      if (!this.#contacts.has(agentId)) throw new X0xError('CONTACT_UNKNOWN');
      const contacts = new Map(this.#contacts);
      contacts.delete(agentId);
      await this.#save(contacts, this.#revocations);
    });
  }

  /** Blocks an agent for good. */
  revoke(agentId: X0xId, reason: string, revokerId?: X0xId): Promise<void> {
    return this.#write(async () => {
      if (this.isRevoked(agentId)) return;
      const now = this.#now();
      const contact: Contact = { ...(this.get(agentId) ?? newContact(agentId, now)), trustLevel: 'blocked' };
      const revoked = { agentId, reason, timestamp: now, revokerId };
      await this.#save(new Map(this.#contacts).set(agentId, contact), [...this.#revocations, revoked]);
    });
  }

  #pinned(agentId: X0xId, machineId: X0xId, pinned: boolean): Promise<Contact> {
    return this.#change(agentId, (contact) => {
      const known = machineOf(contact, machineId);
      const machines = contact.machines.map((one) => (one === known ? { ...one, pinned } : one));
      return pinned ? { ...contact, machines, identityType: 'pinned' } : unpinned({ ...contact, machines });
    });
  }

  #change(agentId: X0xId, rule: (contact: Contact, isNew: boolean) => Contact): Promise<Contact> {
    return this.#write(async () => {
      const known = this.#contacts.get(agentId);
      const changed = rule(known ?? newContact(agentId, this.#now()), known === undefined);
      const contact = named(this.isRevoked(agentId) ? { ...changed, trustLevel: 'blocked' } : changed);
      await this.#save(new Map(this.#contacts).set(agentId, contact), this.#revocations);
      return contact;
    });
  }

  async #save(contacts: State, revocations: readonly LocalRevocation[]): Promise<void> {
    await replaceFile(this.#path, encodeContacts({ contacts: [...contacts.values()], revocations }));
    this.#contacts = contacts;
    this.#revocations = revocations;
  }

  #write<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => {});
    return done;
  }
}

function machineOf(contact: Contact, machineId: X0xId) {
  const known = contact.machines.find((one) => one.machineId === machineId);
  if (!known) throw new X0xError('CONTACT_UNKNOWN', { field: 'machine_id' });
  return known;
}
