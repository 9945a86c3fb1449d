import { createKeyRecord, type KeyRecord } from '@private.me/xlink';
import type { AgentContact } from '../bridge/agent-contact.js';
import { type AgentBinding, bindAgent } from '../bridge/binding.js';
import { encodeBytes } from '../bridge/signed-text.js';
import { X0xError } from '../errors.js';
import { currentCertificate } from '../identity/certificate-file.js';
import { encodeAnnouncement, type IdentityAnnouncement, signAnnouncement } from '../layouts/announcement.js';
import { checkNames, checkValue, isBoolean } from '../util/options.js';
import { signAsAgent } from './agent-word.js';
import type { Core } from './core.js';
import { fanOut } from './fan-out.js';
import { assertNotRevoked } from './revoked.js';
import { TOPICS } from './topics.js';

/** What an announcement may say of the human behind the agent. Both must be true for her to be named. */
export interface AnnounceOptions {
  /** Names the user. Default `false`. */
  readonly includeUserIdentity?: boolean;
  /** That she consents. Default `false`; alone it does nothing. */
  readonly humanConsent?: boolean;
}

/** Tells others where the agent is. Consent is kept in memory: until the daemon ends, heartbeats name the user, too. */
export class Announcer {
  readonly #core: Core;
  #hasConsent = false;
  #record: Promise<KeyRecord> | undefined;
  #binding: Promise<AgentBinding> | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Whether the user is named in heartbeats. */
  get hasConsent(): boolean {
    return this.#hasConsent;
  }

  /**
   * Announces now, and names the user if she consented now or since the start; resolves to how many peers took it. Throws `CONSENT_MISSING`, `USER_KEY_MISSING`, `AGENT_REVOKED`, `NOT_CONNECTED` or `SEND_FAILED`; then
   * nothing was consented to.
   */
  async announce(options: AnnounceOptions = {}): Promise<number> {
    const { includeUserIdentity = false, humanConsent = false } = options;
    checkNames('announce', options, ['includeUserIdentity', 'humanConsent']);
    checkValue('announce', 'includeUserIdentity', includeUserIdentity, isBoolean, 'true or false');
    checkValue('announce', 'humanConsent', humanConsent, isBoolean, 'true or false');
    if (includeUserIdentity && !humanConsent)
      throw new X0xError('CONSENT_MISSING', { field: 'human_consent' });
    const peers = await this.#publish(includeUserIdentity || this.#hasConsent);
    if (includeUserIdentity) this.#hasConsent = true;
    return peers;
  }

  /** Ends her consent, and announces without her, so that peers do not name her any more. As `announce`; consent has ended if it fails, too. */
  withdrawConsent(): Promise<number> {
    this.#hasConsent = false;
    return this.#publish(false);
  }

  /** As it is done every few minutes: names the user if that was consented to since the start. */
  heartbeat(): Promise<number> {
    return this.#publish(this.#hasConsent);
  }

  /** What joins DID and agent, for others. */
  async contact(): Promise<AgentContact> {
    const { identity, now } = this.#core;
    this.#record ??= createKeyRecord(identity.xlink, { epoch: now() });
    if (!identity.isCoSigned) this.#binding ??= bindAgent(identity, now());
    return { record: await this.#record, binding: await this.#binding };
  }

  async #publish(withUser: boolean): Promise<number> {
    const { tell, identity } = this.#core;
    const agentId = identity.agent.id;
    try {
      assertNotRevoked(this.#core);
      const announcement = encodeAnnouncement(await this.#build(withUser));
      const payload = {
        announcement: encodeBytes(announcement),
        agentSignature: encodeBytes(signAsAgent(identity.agent, announcement)),
        contact: await this.contact(),
      };
      const peers = await fanOut(this.#core, TOPICS.announce, payload);
      tell({ type: 'announcement', direction: 'out', outcome: 'ok', agentId });
      return peers;
    } catch (error) {
      const outcome = error instanceof X0xError ? error.id : 'INTERNAL';
      tell({ type: 'announcement', direction: 'out', outcome, agentId });
      throw error;
    }
  }

  async #build(withUser: boolean): Promise<IdentityAnnouncement> {
    const { identity, now } = this.#core;
    const { agent, machine, user } = identity;
    if (withUser && !user) throw new X0xError('USER_KEY_MISSING');
    const disclosed = withUser
      ? { userId: user!.id, certificate: await currentCertificate(identity, now()) }
      : {};
    return signAnnouncement(machine, {
      agentId: agent.id,
      ...disclosed,
      addresses: [],
      announcedAt: now(),
      reachableVia: [],
      relayCandidates: [],
      agentPublicKey: agent.publicKey,
    });
  }
}
