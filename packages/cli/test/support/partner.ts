import type { Server } from 'node:http';
import {
  Agent,
  type AgentMessage,
  HttpsTransportAdapter,
  Invites,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import { freePort } from '../../src/local/free-port.js';
import { openInbox } from '../../src/local/inbox.js';

/** One who invites, in this process, with an inbox on a free port. */
export class Partner {
  readonly agent: Agent;
  readonly invites: Invites;
  readonly messages: AgentMessage[] = [];
  /** Where those who accepted take messages, by DID. */
  readonly places = new Map<string, string>();
  readonly url: string;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  private constructor(agent: Agent, invites: Invites, url: string, server: Server) {
    this.agent = agent;
    this.invites = invites;
    this.url = url;
    this.#server = server;
    agent.onMessage((message) => {
      this.messages.push(message);
      for (const wake of this.#waiting) wake();
    });
    invites.onAccepted(({ did, url: place }) => void (place && this.places.set(did, place)));
  }

  static async open(): Promise<Partner> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/xlink`;
    const transport = new HttpsTransportAdapter({ baseUrl: url });
    const agent = await Agent.quickstart({ name: 'billing', registry: new MemoryTrustRegistry(), transport });
    const invites = new Invites({ agent, url });
    const config = { name: 'billing', did: agent.did, url };
    const server = await openInbox({ config, transport, invites, port, host: '127.0.0.1' });
    return new Partner(agent, invites, url, server);
  }

  /** The code of a new invite. */
  async invite(): Promise<string> {
    return (await this.invites.create({ scopes: ['orders'], receives: ['notices'] })).code;
  }

  /** Sends to one who accepted. */
  async send(to: string, payload: unknown) {
    const transport = new HttpsTransportAdapter({ baseUrl: this.places.get(to)!, retries: 0 });
    const { registry } = this.agent;
    const sender = await Agent.importIdentity({ pkcs8: await this.agent.exportPKCS8(), registry, transport });
    if (!sender.ok) throw sender.error;
    const sent = await sender.value.send({ to, payload, scope: 'notices' });
    sender.value.dispose();
    return sent;
  }

  /** The first message that fits, now or later. */
  async messageWhere(fits: (message: AgentMessage) => boolean): Promise<AgentMessage> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  close(): void {
    this.agent.dispose();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
