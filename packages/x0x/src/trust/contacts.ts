import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import type { AgentCard } from '../layouts/card.js';
import { assertUnshared } from '../util/private-file.js';
import { type Contact, type LocalRevocation, named, newContact, unpinned } from './contact.js';
import { type ContactsFile, decodeContacts, encodeContacts } from './contacts-file.js';
import { evaluateTrust, type TrustDecision } from './evaluate.js';
import { levelAfterImport, type TrustLevel } from './levels.js';
import { type RevokedMachine, seenOn } from './machines.js';
import type { Revocations } from './revocations.js';

/** Seconds since 1970. */
export type Seconds = () => number;

/** Who was revoked for everybody. */
export type RevokedIds = Pick<Revocations, 'isAgentRevoked' | 'isMachineRevoked'>;

const NOBODY: RevokedIds = { isAgentRevoked: () => false, isMachineRevoked: () => false };

/** A machine that was seen again within so many seconds is not written down anew. */
const SEEN_LATELY_S = 60;

type State = ReadonlyMap<X0xId, Contact>;

/** What an import did. */
export interface ImportOutcome {
  /** The contact as it is now. */
  readonly contact: Contact;
  /** Whether the level that was asked for was passed over, because a higher one or a block stays. */
  readonly ignored: boolean;
  /** Other contacts that have the same name: a name is no proof of anything. */
  readonly namesakes: readonly X0xId[];
}

/**
 * The contacts of an instance, in `contacts.json`. A change counts once it is on the disk; changes wait for each other. One process has
 * the file at a time.
 */
export class Contacts {
  readonly #path: string;
  readonly #now: Seconds;
  readonly #revoked: RevokedIds;
  #contacts: State;
  #revocations: readonly LocalRevocation[];
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(path: string, now: Seconds, revoked: RevokedIds, file: ContactsFile) {
    this.#path = path;
    this.#now = now;
    this.#revoked = revoked;
    this.#contacts = new Map(file.contacts.map((one) => [one.agentId, one]));
    this.#revocations = file.revocations;
  }

  /**
   * Opens the file, which is made with the first change. Throws `CONTACTS_DAMAGED`, and `KEY_FILE_EXPOSED` if others may write it. Default
   * `now`: the clock. `revoked`: who was revoked for everybody, which counts in decisions. Default: nobody.
   */
  static async open(
    path: string,
    now: Seconds = () => Math.floor(Date.now() / 1000),
    revoked: RevokedIds = NOBODY,
  ): Promise<Contacts> {
    const file = await bytesOfFile(path);
    if (file) await assertUnshared(path);
    const decoded = file ? decodeContacts(new TextDecoder().decode(file)) : { contacts: [], revocations: [] };
    return new Contacts(path, now, revoked, decoded);
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

  /** What comes of an agent on a machine; `undefined`: the machine is not known. Whoever was revoked, here or for everybody, is blocked. */
  evaluate(agentId: X0xId, machineId: X0xId | undefined): TrustDecision {
    const isMachineRevoked = machineId !== undefined && this.#revoked.isMachineRevoked(machineId);
    if (this.#isRevokedAnywhere(agentId) || isMachineRevoked) return 'RejectBlocked';
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

  /** Gives a contact another name. Throws `CONTACT_UNKNOWN`. */
  rename(agentId: X0xId, label: string): Promise<Contact> {
    return this.#change(agentId, (contact, isNew) => {
      if (isNew) throw new X0xError('CONTACT_UNKNOWN');
      return { ...contact, label };
    });
  }

  /** Sets whether its machines matter. */
  setIdentityType(agentId: X0xId, identityType: Contact['identityType']): Promise<Contact> {
    return this.#change(agentId, (contact) => ({ ...contact, identityType }));
  }

  /**
   * Takes the level of a card, and its name where the contact has none: a card never renames, lowers a level or lifts a block. The card
   * is verified before.
   */
  async import(card: AgentCard, asked: TrustLevel): Promise<ImportOutcome> {
    let ignored = false;
    const contact = await this.#change(card.agent_id, (known, isNew) => {
      const after = levelAfterImport(isNew ? undefined : known.trustLevel, asked);
      ignored = after.ignored;
      if (known.trustLevel === 'blocked') return known;
      const { dm_capabilities: dmCapabilities } = card;
      return { ...known, trustLevel: after.level, label: known.label || card.display_name, dmCapabilities };
    });
    const { label, agentId, trustLevel } = contact;
    const namesakes = label
      ? this.list().filter((one) => one.label === label && one.agentId !== agentId)
      : [];
    return {
      contact,
      ignored: ignored || trustLevel !== asked,
      namesakes: namesakes.map((one) => one.agentId),
    };
  }

  /** Keeps a machine that an agent was seen on: the last 32, and those that are pinned. */
  addMachine(agentId: X0xId, machineId: X0xId, label?: string): Promise<Contact> {
    const now = this.#now();
    const isRevoked: RevokedMachine = (id) => this.#revoked.isMachineRevoked(id);
    return this.#change(agentId, (contact) => seenOn(contact, { machineId, label, now, isRevoked }));
  }

  /** The same, of a contact that is there, unless it was just seen there. Whoever is no contact does not become one. */
  async sawMachine(agentId: X0xId, machineId: X0xId): Promise<void> {
    const contact = this.get(agentId);
    const known = contact?.machines.find((one) => one.machineId === machineId);
    const isLately = known && known.lastSeen > this.#now() - SEEN_LATELY_S;
    if (contact && !isLately) await this.addMachine(agentId, machineId);
  }

  /** Whether an agent was seen on a machine that was revoked since. */
  hasRevokedMachine(agentId: X0xId): boolean {
    const machines = this.get(agentId)?.machines ?? [];
    return machines.some(({ machineId }) => this.#revoked.isMachineRevoked(machineId));
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

  /** Blocks an agent for good: deleting the contact does not take that back. Once more, it makes the contact again, and keeps the first reason. */
  revoke(agentId: X0xId, reason: string, revokerId?: X0xId): Promise<void> {
    return this.#write(async () => {
      const now = this.#now();
      const contact: Contact = { ...(this.get(agentId) ?? newContact(agentId, now)), trustLevel: 'blocked' };
      const revoked = this.isRevoked(agentId) ? [] : [{ agentId, reason, timestamp: now, revokerId }];
      await this.#save(new Map(this.#contacts).set(agentId, contact), [...this.#revocations, ...revoked]);
    });
  }

  /** Blocks an agent that is a contact, on account of a revocation for everybody: one that nobody knows does not become a contact by it. */
  async blockKnown(agentId: X0xId): Promise<void> {
    const contact = this.get(agentId);
    if (contact && contact.trustLevel !== 'blocked') await this.setTrust(agentId, 'blocked');
  }

  #isRevokedAnywhere(agentId: X0xId): boolean {
    return this.isRevoked(agentId) || this.#revoked.isAgentRevoked(agentId);
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
      const contact = named(
        this.#isRevokedAnywhere(agentId) ? { ...changed, trustLevel: 'blocked' } : changed,
      );
      await this.#save(new Map(this.#contacts).set(agentId, contact), this.#revocations);
      return contact;
    });
  }

  async #save(contacts: State, revocations: readonly LocalRevocation[]): Promise<void> {
    await replacePrivateFile(this.#path, encodeContacts({ contacts: [...contacts.values()], revocations }));
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
