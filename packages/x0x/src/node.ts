import { join } from 'node:path';
import { Agent, type AgentMessage, GatewayTransport } from '@private.me/xlink';
import {
  FileNonceStore,
  FileStoreError,
  FileTrustRegistry,
  makeFolder,
  removeDrafts,
} from '@private.me/xlink/file';
import { type AnnounceOptions, Announcer } from './announce/announcer.js';
import {
  type CardOptions,
  type ImportedCard,
  type ImportOptions,
  importCard,
  makeCard,
  type SharedCard,
} from './announce/cards.js';
import type { Core } from './announce/core.js';
import { type DirectListener, sendDirect, takeDirect } from './announce/direct.js';
import { Discovery } from './announce/discovery.js';
import { tellAll } from './announce/events.js';
import { AnnouncementIntake } from './announce/intake.js';
import { isRevoked } from './announce/revoked.js';
import { RevocationIntake, revoke } from './announce/revoking.js';
import { ShownCertificates } from './announce/shown-certificates.js';
import { TOPIC_SCOPES, TOPICS } from './announce/topics.js';
import { DirectListeners } from './announce/waiting.js';
import { assertNoOther } from './api/api-port.js';
import { Acquaintances } from './bridge/acquaintances.js';
import type { AgentContact } from './bridge/agent-contact.js';
import { AgentDirectory } from './bridge/directory.js';
import { proveMachine } from './bridge/machine-proof.js';
import { X0xError } from './errors.js';
import { openIdentity, type X0xIdentity } from './identity/identity.js';
import type { X0xId } from './identity/ids.js';
import type { AgentCertificate } from './layouts/certificate.js';
import type { Revocation, RevokedSubject } from './layouts/revocation.js';
import { checkNodeOptions, type X0xNodeOptions } from './node-options.js';
import { Contacts } from './trust/contacts.js';
import { Revocations } from './trust/revocations.js';
import { parseId } from './util/hex.js';
import { checkNames, checkValue, isBoolean, isDid, isFunction } from './util/options.js';
import { assertUnshared } from './util/private-file.js';

const DEFAULT_HEARTBEAT_MS = 300_000;
/** A message that waited longer at the relay is refused. */
const MAX_AGE_MS = 7 * 86_400_000;

/**
 * An agent of x0x at work: its identity, its contacts, and what it hears of others over a relay. One process has the directories of an
 * instance at a time. It is no node of the gossip network of x0x.
 */
export class X0xNode {
  /** Who it is. */
  readonly identity: X0xIdentity;
  /** Whom it trusts. */
  readonly contacts: Contacts;
  /** Who was revoked. */
  readonly revocations: Revocations;
  /** Of whom it heard lately. */
  readonly discovery: Discovery;
  /** Which DIDs are which agents. */
  readonly directory: AgentDirectory;
  readonly #core: Core;
  readonly #announcer: Announcer;
  readonly #listeners = new DirectListeners((agentId, machineId) =>
    this.contacts.evaluate(agentId, machineId),
  );
  readonly #closers: readonly (() => unknown)[];
  #isOpen = true;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(core: Core, heartbeatMs: number, closers: readonly (() => unknown)[]) {
    this.#core = core;
    this.identity = core.identity;
    this.contacts = core.contacts;
    this.revocations = core.revocations;
    this.discovery = core.discovery;
    this.directory = core.directory;
    this.#announcer = new Announcer(core);
    this.#closers = closers;
    if (core.agent) this.#listen(core.agent, heartbeatMs);
  }

  /**
   * Opens an instance; its keys are made at first use. With a relay it announces itself at once, and with each heartbeat. Throws
   * `DIRECTORY_IN_USE`, `KEY_FILE_…`, `CONTACTS_DAMAGED`, `REVOCATION_INVALID:FILE` or `INVALID_OPTION`.
   */
  static async open(options: X0xNodeOptions = {}): Promise<X0xNode> {
    checkNodeOptions(options);
    const { name, identityDir, dataDir, observers = [], clock = Date.now } = options;
    const where = Object.fromEntries(
      Object.entries({ name, identityDir, dataDir }).filter(([, one]) => one !== undefined),
    );
    const identity = await openIdentity(where);
    await makeFolder(identity.dataDir);
    await assertUnshared(identity.dataDir);
    const inIdentity = (file: string) => join(identity.identityDir, file);
    const inData = (file: string) => join(identity.dataDir, file);
    const closers: (() => unknown)[] = [];
    try {
      const nonceStore = await alone(() =>
        FileNonceStore.open({ path: inIdentity('xlink-nonces.jsonl'), lockWaitMs: 0, clock }),
      );
      closers.push(() => nonceStore.close());
      const registry = new FileTrustRegistry({ path: inData('xlink-registry.jsonl'), clock });
      closers.unshift(() => registry.close());
      await alone(() => registry.ready());
      await assertNoOther(identity.dataDir);
      await removeDrafts(identity.identityDir, 0); // nobody else writes there
      await removeDrafts(identity.dataDir, 0);
      const now = () => Math.floor(clock() / 1000);
      const transport = transportOf(options, (error) => tellAll(observers, { type: 'fault', error }));
      const acquaintances = new Acquaintances(registry);
      const settings = {
        registry: acquaintances,
        nonceStore,
        clock,
        maxAgeMs: MAX_AGE_MS,
        receiveScopes: TOPIC_SCOPES,
      };
      const agent = transport && new Agent({ identity: identity.xlink, transport, ...settings });
      if (agent) closers.unshift(() => agent.dispose());
      const revocations = await Revocations.open(inIdentity('revocations.bin'));
      const contacts = await Contacts.open(inData('contacts.json'), now, revocations);
      const isContact = (agentId: X0xId) => contacts.get(agentId) !== undefined;
      const core: Core = {
        identity,
        contacts,
        revocations,
        discovery: new Discovery(isContact),
        shown: await ShownCertificates.open(inData('xlink-shown.json'), isContact),
        directory: await AgentDirectory.open({
          registry: acquaintances,
          crypto: identity.xlink.crypto,
          path: inData('xlink-bindings.json'),
        }),
        agent,
        now,
        tell: (event) => tellAll(observers, event),
      };
      return new X0xNode(core, options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS, closers);
    } catch (error) {
      for (const close of closers) await close();
      throw error;
    }
  }

  /** Whether it has a relay. */
  get isConnected(): boolean {
    return this.#core.agent !== undefined;
  }

  /** Whether heartbeats name the user: after she consented, until the end of the process. */
  get hasConsent(): boolean {
    return this.#announcer.hasConsent;
  }

  /** Seconds since 1970, by its clock. */
  now(): number {
    return this.#core.now();
  }

  /** A card to share. Throws `CONSENT_MISSING`, `USER_KEY_MISSING`, `AGENT_REVOKED`, or `CARD_INVALID` for a name that is too long. */
  async card(options: CardOptions = {}): Promise<SharedCard> {
    const { includeUserIdentity, humanConsent, displayName } = options;
    checkNames('card', options, ['displayName', 'includeUserIdentity', 'humanConsent']);
    checkValue('card', 'displayName', displayName, (name) => typeof name === 'string', 'a text');
    checkValue('card', 'includeUserIdentity', includeUserIdentity, isBoolean, 'true or false');
    checkValue('card', 'humanConsent', humanConsent, isBoolean, 'true or false');
    return makeCard(this.#core, options, await this.contact());
  }

  /** Imports a card. Throws `CARD_INVALID…`, `AGENT_REVOKED` or `TRUST_LEVEL_UNKNOWN`. */
  importCard(link: string, options: ImportOptions = {}): Promise<ImportedCard> {
    return importCard(this.#core, link, options);
  }

  /** Announces the agent now; resolves to how many peers took it. Throws `CONSENT_MISSING`, `USER_KEY_MISSING`, `AGENT_REVOKED`, `NOT_CONNECTED` or `SEND_FAILED`. */
  async announce(options: AnnounceOptions = {}): Promise<number> {
    this.#assertOpen();
    return this.#announcer.announce(options);
  }

  /**
   * Ends the consent of the user, and announces without her: peers that hear it name her no more. Resolves to how many took it; throws as
   * `announce`, and consent has ended even so.
   */
  withdrawConsent(): Promise<number> {
    this.#assertOpen();
    return this.#announcer.withdrawConsent();
  }

  /** Sends to an agent; resolves to the id of the message. Throws `NOT_CONNECTED`, `AGENT_…`, `MACHINE_MISMATCH` or `SEND_FAILED`. */
  async sendDirect(agentId: X0xId, payload: Uint8Array): Promise<string> {
    this.#assertOpen();
    checkValue(
      'sendDirect',
      'payload',
      payload,
      (value) => value instanceof Uint8Array,
      'bytes: a Uint8Array',
    );
    return sendDirect(this.#core, parseId(agentId), payload);
  }

  /** Calls the listener with each message, until the returned function is called. The first one gets those that wait, too: 256 at most. */
  onDirect(listener: DirectListener): () => void {
    checkValue('onDirect', 'listener', listener, isFunction, 'a function');
    return this.#listeners.add(listener);
  }

  /**
   * Revokes itself, its machine, or an agent that its user certified, for good. `certificate`: the one that she issued, for an agent that has not
   * named her in an announcement that came here; others believe it if it named her to them. Throws `REVOCATION_INVALID…`.
   */
  revoke(subject: RevokedSubject, reason?: string, certificate?: AgentCertificate): Promise<Revocation> {
    return revoke(this.#core, subject, reason, certificate);
  }

  /** What joins its DID to its agent, for registries and services. */
  contact(): Promise<AgentContact> {
    return this.#announcer.contact();
  }

  /** A proof for requests to the service of this DID that they come from this machine: the header `x0x-machine`. */
  proveMachine(service: string): string {
    checkValue('proveMachine', 'service', service, isDid, 'the DID of the service');
    const { machine, xlink } = this.identity;
    return proveMachine(machine, { from: xlink.did, to: service }, this.now());
  }

  /** Ends heartbeats and connections, and lets another process have the directories. */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearInterval(this.#timer);
    for (const close of this.#closers) await close();
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new X0xError('CLOSED');
  }

  #listen(agent: Agent, heartbeatMs: number): void {
    const intakes = {
      announce: new AnnouncementIntake(this.#core),
      revocation: new RevocationIntake(this.#core),
    };
    agent.onMessage((message) => this.#take(message, intakes));
    const beat = () => {
      if (isRevoked(this.#core)) return clearInterval(this.#timer);
      this.#announcer.heartbeat().catch((error: unknown) => {
        if (this.#isOpen) this.#core.tell({ type: 'fault', error });
      });
    };
    this.#timer = setInterval(beat, heartbeatMs);
    this.#timer.unref();
    beat();
  }

  async #take(
    message: AgentMessage,
    intakes: { readonly announce: AnnouncementIntake; readonly revocation: RevocationIntake },
  ): Promise<void> {
    const { directory, contacts, revocations, tell } = this.#core;
    const sender = await directory.agentOf(message.sender);
    if (sender === undefined)
      return tell({ type: 'message', direction: 'in', outcome: 'AGENT_UNKNOWN', agentId: sender });
    const isRevoked = contacts.isRevoked(sender) || revocations.isAgentRevoked(sender);
    if (isRevoked || contacts.get(sender)?.trustLevel === 'blocked') {
      const outcome = isRevoked ? 'AGENT_REVOKED' : 'AGENT_BLOCKED';
      return tell({ type: 'message', direction: 'in', outcome, agentId: sender });
    }
    if (message.scope === TOPICS.announce) return intakes.announce.take(message, sender);
    if (message.scope === TOPICS.revocation) return intakes.revocation.take(message, sender);
    return takeDirect(this.#core, message, sender, this.#listeners);
  }
}

function transportOf(
  { relayUrl, relayDid, webSocket, transport }: X0xNodeOptions,
  onError: (error: unknown) => void,
) {
  if (relayUrl === undefined) return transport;
  return new GatewayTransport({
    relayUrl,
    onError,
    ...(relayDid === undefined ? {} : { relayDid }),
    ...(webSocket ? { webSocket } : {}),
  });
}

/** One process has the files: another one is told so. */
async function alone<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const faults = [error, (error as Error).cause];
    const isHeld = faults.some((fault) => fault instanceof FileStoreError && fault.code === 'ELOCKED');
    throw isHeld ? new X0xError('DIRECTORY_IN_USE', { cause: error }) : error;
  }
}
