import {
  Agent,
  type AgentMessage,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type Transport,
} from '@private.me/xlink';
import type { X0xNode, X0xNodeOptions } from '../src/index.js';
import { afterTest, openNode, placesIn, type TestNode, temporaryFolder } from './support.js';

export type LabNode = TestNode;
type Envelope = Parameters<Transport['send']>[0];
type Handler = Parameters<Transport['onReceive']>[0];
type Sent = Awaited<ReturnType<Transport['send']>>;

/**
 * Instances in one process that hand each other sealed messages directly, so that a test knows when one was taken. Everything above the transport
 * is what it is over a relay.
 */
export async function lab(...names: readonly string[]) {
  const folder = await temporaryFolder();
  const inboxes = new Map<string, Set<Handler>>();
  const absorbed = new Set<string>();
  let sent: { readonly from: string; readonly to: string; readonly size: number }[] = [];

  const refused = { ok: false, error: new Error('nobody is there') } as unknown as Sent;
  class Wire {
    readonly handlers = new Set<Handler>();
    async send(envelope: Envelope, to: string): Promise<Sent> {
      sent.push({ from: envelope.from, to, size: JSON.stringify(envelope).length });
      const taken = { ok: true, value: undefined } as unknown as Sent;
      if (absorbed.has(to)) return taken;
      const inbox = inboxes.get(to);
      if (!inbox) return refused;
      for (const handler of inbox) await handler(envelope);
      return taken;
    }
    onReceive(handler: Handler) {
      this.handlers.add(handler);
    }
    dispose() {
      this.handlers.clear();
    }
  }

  const wires = new Map<string, Wire>();
  async function open(name: string, options: X0xNodeOptions = {}): Promise<LabNode> {
    const wire = new Wire();
    const transport = wire as unknown as Transport;
    const node = await openNode(folder, name, { transport, heartbeatMs: 3_600_000, ...options });
    wires.set(node.identity.xlink.did, wire);
    inboxes.set(node.identity.xlink.did, wire.handlers);
    return node;
  }

  const acquaint = async (...nodes: readonly X0xNode[]) => {
    for (const one of nodes)
      for (const other of nodes) if (one !== other) await one.importCard((await other.card()).link);
  };

  /** Sends whatever one likes in the name of an instance, past its rules. */
  async function sendAs(by: X0xNode, to: X0xNode, scope: string, payload: unknown): Promise<void> {
    const registry = new MemoryTrustRegistry();
    const { record } = await to.contact();
    await registry.register({ did: record.did, keys: record, receiveScopes: ['*'] });
    const transport = new Wire() as unknown as Transport;
    const agent = new Agent({
      identity: by.identity.xlink,
      transport,
      registry,
      nonceStore: new MemoryNonceStore(),
    });
    try {
      const result = await agent.send({ to: record.did, scope, payload: payload as AgentMessage['payload'] });
      if (!result.ok) throw result.error;
    } finally {
      await agent.dispose();
    }
  }

  const nodes: LabNode[] = [];
  for (const name of names) nodes.push(await open(name));
  await acquaint(...nodes);
  afterTest(() => inboxes.clear());
  const didOf = (node: X0xNode) => node.identity.xlink.did;
  return {
    folder,
    nodes: nodes as [LabNode, LabNode, LabNode, LabNode],
    open,
    acquaint,
    sendAs,
    places: (name: string) => placesIn(folder, name),
    /** Nobody reaches it until `join`. */
    cut: (node: X0xNode) => void inboxes.delete(didOf(node)),
    join: (node: X0xNode) => void inboxes.set(didOf(node), wires.get(didOf(node))!.handlers),
    /** A DID that takes everything, and does nothing. */
    absorb: (did: string) => void absorbed.add(did),
    forgetSent: () => {
      sent = [];
    },
    sentBy: (node: X0xNode) => sent.filter(({ from }) => from === didOf(node)).length,
    told: (node: X0xNode) => sent.filter(({ from }) => from === didOf(node)).map(({ to }) => to),
    sizesBy: (node: X0xNode) => sent.filter(({ from }) => from === didOf(node)).map(({ size }) => size),
  };
}
