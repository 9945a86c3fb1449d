// One agent of the demo, as a process: does what the parent tells it, and tells what happened.
import { createServer } from 'node:http';
import { MlsClient, MlsProvider } from '@private.me/mesh-mls';
import { Agent, GatewayTransport, HttpTrustRegistry, Identity, xlinkFetch } from '@private.me/xlink';
import { FileNonceStore, FileOperationsStore } from '@private.me/xlink/file';
import express from 'express';
import {
  EnvelopeProvider,
  NoiseProvider,
  requireRole,
  SecureMeshRouter,
  ServiceProvider,
} from '../dist/index.js';
import { agentCarrier, HttpPrekeyDirectory, openStateStore, SignalProvider } from '../dist/signal/index.js';

const SCOPES = ['mesh:signal', 'mesh:channel', 'orders'];
const text = (data) => Buffer.from(data).toString();
const tell = (event) => process.connected && process.send(event);
let me;
/** Who has sent a message, as the last channel proved it. */
const senders = new Map();

const commands = {
  /** Comes to life. `hybrid`: ML-KEM-768 and ML-DSA-65. `inFleet`: groups by MLS. `roles`: what others may do here. */
  async start({
    name,
    seed,
    server,
    token,
    folder,
    hybrid = false,
    inFleet = false,
    roles = {},
    isThief = false,
  }) {
    const identity = await Identity.fromSeed(Buffer.from(seed, 'hex'), { postQuantumSig: hybrid });
    const registry = new HttpTrustRegistry({ baseUrl: server, authToken: token, timeoutMs: 60_000 });
    const known = await registry.lookup(identity.did);
    if (!known) {
      const { createKeyRecord } = await import('@private.me/xlink');
      const keys = await createKeyRecord(identity);
      await must(
        registry.register({ did: identity.did, name, keys, sendScopes: SCOPES, receiveScopes: SCOPES }),
      );
    }
    const noise = new NoiseProvider({
      identity,
      registry,
      hybrid,
      postQuantumSig: hybrid,
      recheckMs: 500,
      onEvent: faults,
    });
    if (isThief) {
      const router = new SecureMeshRouter({ providers: [noise], upgradeMs: 0 });
      me = { name, identity, noise, router, channels: new Map(), registry };
      return { did: identity.did };
    }
    const transport = new GatewayTransport({ relayUrl: server });
    // In a file, so that what waited while it was away is taken after a restart, and nothing twice.
    const nonceStore = await FileNonceStore.open({ path: `${folder}/${name}.nonces` });
    const maxAgeMs = 7 * 86_400_000;
    const agent = new Agent({ identity, registry, transport, nonceStore, maxAgeMs, sendScopes: SCOPES });
    const carrier = agentCarrier({ agent, listen: false });
    const envelopes = new EnvelopeProvider({ agent });
    const directory = new HttpPrekeyDirectory({ agent, baseUrl: server });
    const store = (what) => openStateStore({ backend: 'file', path: `${folder}/${name}.${what}` });
    const signal = await SignalProvider.start({
      ...{ agent, directory, carrier, prekeyPoolSize: 10, maintenanceMs: 0 },
      ...{ state: store('state'), revisions: store('revisions') },
      observers: [(event) => tell({ event: 'signal', ...plain(event) })],
    });
    const fetch = xlinkFetch({ agent, unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true });
    const discover = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
    const service = new ServiceProvider({ kind: 'session', fetch, discover });
    const groups =
      inFleet &&
      (await MlsClient.start({
        ...{ agent, server, keyPackages: 2, recheckMs: 500, removeDelayMs: 200 },
        store: new FileOperationsStore(`${folder}/${name}.groups`),
        onEvent: ({ type, group, removed = [], error }) => {
          const left = me?.groups?.group(group)?.members.length;
          tell({ event: 'mls', ...plain({ error }), what: type, gone: removed[0], left });
        },
      }));
    const mls = groups ? new MlsProvider(groups) : undefined;
    const router = new SecureMeshRouter({
      providers: [noise, signal, ...(hybrid ? [] : [envelopes]), service, ...(mls ? [mls] : [])],
      roles: (did) => roles[did] ?? [],
      upgradeMs: 0,
      drainMs: 200,
      observers: [(event) => tell({ event: 'router', ...plain(event) })],
    });
    me = { name, identity, agent, registry, noise, signal, groups, router, channels: new Map() };
    const accept = (channel) => router.accept(channel);
    signal.onChannel(accept);
    envelopes.listen(accept, async (message) => {
      await carrier.take(message);
    });
    router.onChannel(use);
    mls?.onChannel(accept);
    return { did: identity.did };
  },

  /** Listens, and says where. */
  async listen({ address }) {
    const listener = await me.noise.listen(address, (channel) =>
      me.router ? me.router.accept(channel) : use(channel),
    );
    return { address: listener.address };
  },

  async open({ target, config }) {
    const began = performance.now();
    const channel = use(await me.router.establishChannel(target, config));
    return { kind: channel.kind, ms: performance.now() - began };
  },

  async send({ to, message, times = 1 }) {
    const channel = me.channels.get(to);
    for (let count = 0; count < times; count++) {
      await channel.send(Buffer.from(times === 1 ? message : `${message} ${count}`));
      if (count % 5 === 4) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return { kind: channel.kind };
  },

  /** Makes a group of these agents. */
  async gather({ members }) {
    const group = await me.groups.create();
    await group.add(members);
    return { group: group.id, members: group.members.length };
  },

  /** Removes a member, and waits for nobody: the keys of the group are new at once. */
  async dismiss({ group, member }) {
    await me.groups.group(group).remove(member);
    return { members: me.groups.group(group).members.length };
  },

  /** Does what only some may do, for who has sent this agent a message. */
  async allow({ from, role }) {
    requireRole(senders.get(from), role);
    return {};
  },

  async upgrade() {
    await me.router.checkUpgrades();
    return Object.fromEntries([...me.channels].map(([did, { kind }]) => [did, kind]));
  },

  /** New prekeys, and new sessions with all peers. */
  async rekey() {
    const failed = await me.signal.emergencyRekey();
    return { failed: failed.length };
  },

  /** Serves an HTTP API with sessions. */
  async serve() {
    const { DualModeAdapter } = await import('@private.me/xlink');
    const adapter = new DualModeAdapter({
      agent: me.agent,
      legacyKeyValidator: () => null,
      mode: 'xlink-only',
      sessions: true,
    });
    const app = express();
    app.use(adapter.middleware());
    app.post('/orders', express.raw({ type: () => true }), (req, res) =>
      res.send(`order taken: ${text(req.body)}`),
    );
    const server = createServer(app).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return { url: `http://127.0.0.1:${server.address().port}/orders` };
  },
};

/** Tells what comes over a channel, and its end. */
function use(channel) {
  const { did } = channel.peer;
  if (me.channels.get(did) === channel) return channel;
  me.channels.set(did, channel);
  channel.onMessage((data, from) => {
    senders.set(from.did, from);
    tell({ event: 'message', from: from.did, kind: channel.kind, text: text(data) });
  });
  channel.closed.then(({ by }) => {
    if (me.channels.get(did) === channel) me.channels.delete(did);
    tell({ event: 'closed', peer: did, by });
  });
  return channel;
}

const causeOf = ({ cause }) =>
  [cause?.message, ...(cause?.errors ?? []).map(({ message }) => message)].join('; ');
const plain = ({ error, ...event }) => ({ ...event, ...(error ? { error: error.id ?? error.message } : {}) });
const faults = (event) => {
  if (event.type === 'fault') tell({ event: 'fault', id: event.error?.id ?? String(event.error) });
};

async function must(result) {
  const { ok, error } = await result;
  if (!ok) throw error;
}

process.on('message', async ({ id, command, ...args }) => {
  try {
    tell({ id, answer: await commands[command](args) });
  } catch (error) {
    tell({
      id,
      error: { id: error.id ?? 'INTERNAL', message: error.message, cause: causeOf(error) },
    });
  }
});
process.on('disconnect', () => process.exit(0));
