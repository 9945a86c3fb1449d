// npm run bench -w packages/mesh: how fast channels are, beside bare AEAD. Medians of interleaved rounds; ROUNDS=n for more.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { cpus } from 'node:os';
import { Agent, createKeyRecord, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { CipherState, Handshake, NoiseProvider, newKeyPair, suiteOf } from '../dist/index.js';
import { MemoryPrekeyDirectory, SignalProvider } from '../dist/signal/index.js';

const ROUNDS = Number(process.env.ROUNDS ?? 21);
const SIZE = 1024;
const plaintext = randomBytes(SIZE);
const empty = new Uint8Array();
const CHACHA = { name: 'chacha20-poly1305', littleEndian: true };
const GCM = { name: 'aes-256-gcm', littleEndian: false };

/** What good code does with an AEAD by hand: a counter as nonce, the tag behind the text. */
function bareAead({ name, littleEndian }) {
  const key = createSecretKey(randomBytes(32));
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  const options = { authTagLength: 16 };
  let [sent, received] = [0n, 0n];
  return {
    seal(data) {
      view.setBigUint64(4, sent++, littleEndian);
      const cipher = createCipheriv(name, key, nonce, options);
      const body = cipher.update(data);
      cipher.final();
      return Buffer.concat([body, cipher.getAuthTag()]);
    },
    open(sealed) {
      view.setBigUint64(4, received++, littleEndian);
      const cipher = createDecipheriv(name, key, nonce, options);
      cipher.setAuthTag(sealed.subarray(-16));
      const body = cipher.update(sealed.subarray(0, -16));
      cipher.final();
      return body;
    },
  };
}

/** As a channel does it: with the type of the record in front. */
function noiseRecords(kind) {
  const key = randomBytes(32);
  const [sending, receiving] = [new CipherState(kind, key), new CipherState(kind, key)];
  return {
    seal(data) {
      const record = Buffer.allocUnsafe(data.length + 1);
      record[0] = 0;
      record.set(data, 1);
      return sending.encrypt(empty, record);
    },
    open: (sealed) => receiving.decrypt(empty, sealed).subarray(1),
  };
}

const repeat = (count, work) => () => {
  for (let at = 0; at < count; at++) work();
  return count;
};

const aead = (make, kind) => {
  const { seal, open } = make(kind);
  return repeat(1500, () => open(seal(plaintext)));
};

function handshake(name) {
  const suite = suiteOf(name);
  const [initiator, responder] = [newKeyPair(), newKeyPair()];
  return repeat(name.includes('hfs') ? 8 : 20, () => {
    const one = new Handshake({ suite, isInitiator: true, staticKey: initiator });
    const other = new Handshake({ suite, isInitiator: false, staticKey: responder });
    other.read(one.write());
    one.read(other.write());
    other.read(one.write());
    one.split();
    other.split();
  });
}

async function world() {
  const registry = new MemoryTrustRegistry();
  const identities = await Promise.all(
    [1, 2].map((seed) => Identity.fromSeed(new Uint8Array(32).fill(seed))),
  );
  for (const identity of identities)
    await registry.register({ did: identity.did, keys: await createKeyRecord(identity) });
  return { registry, identities };
}

async function channels(scheme) {
  const { registry, identities } = await world();
  const records = new Map(
    await Promise.all(identities.map(async (one) => [one, await createKeyRecord(one)])),
  );
  const [client, server] = identities.map(
    (identity) => new NoiseProvider({ identity, registry, keyRecord: async () => records.get(identity) }),
  );
  const arrived = [];
  const listener = await server.listen(`${scheme}://127.0.0.1:0`, (channel) => arrived.push(channel));
  const target = { did: identities[1].did, addresses: [listener.address] };
  const open = async () => {
    const channel = await client.open(target);
    while (arrived.length === 0) await new Promise(setImmediate);
    return [channel, arrived.shift()];
  };
  return { open, close: () => Promise.all([listener.close(), client.close()]) };
}

/** Sends messages, and waits until all have arrived. `window`: how many may be under way, where some can be lost. */
async function carried(count, send, onMessage, window = Number.POSITIVE_INFINITY) {
  let arrived = 0;
  let wake = () => {};
  const stop = onMessage(() => {
    arrived++;
    wake();
  });
  const reach = async (goal) => {
    while (arrived < goal) await new Promise((resolve) => (wake = resolve));
  };
  for (let sent = 0; sent < count; sent++) {
    if (sent - arrived >= window) await reach(sent - window / 2);
    await send(plaintext);
  }
  await reach(count);
  stop?.();
  return count;
}

/** Bare AEAD behind a length over TCP: what there is to lose. */
async function bareTcp() {
  const { seal, open } = bareAead(CHACHA);
  const listeners = new Set();
  const server = createServer((socket) => {
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk;
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        const data = open(pending.subarray(2, end));
        pending = pending.subarray(end);
        for (const listener of listeners) listener(data);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect(server.address().port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const send = async (data) => {
    const sealed = seal(data);
    const frame = Buffer.allocUnsafe(sealed.length + 2);
    frame.writeUInt16BE(sealed.length);
    sealed.copy(frame, 2);
    if (!socket.write(frame)) await once(socket, 'drain');
  };
  const onMessage = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const close = () => {
    socket.destroy();
    server.close();
  };
  return { send, onMessage, close };
}

async function signalPair() {
  const registry = new MemoryTrustRegistry();
  const directory = new MemoryPrekeyDirectory();
  const takers = new Map();
  const made = await Promise.all(
    [3, 4].map(async (seed) => {
      const agent = (await Agent.fromSeed({ seed: new Uint8Array(32).fill(seed), registry })).value;
      const carrier = {
        send: (to, message) => takers.get(to)(agent.did, message),
        onMessage(listener) {
          takers.set(agent.did, listener);
          return () => takers.delete(agent.did);
        },
      };
      const provider = await SignalProvider.start({
        agent,
        directory: directory.as(agent.did),
        carrier,
        maintenanceMs: 0,
        prekeyPoolSize: 10,
      });
      return { agent, provider };
    }),
  );
  const listeners = new Set();
  made[1].provider.onChannel((channel) =>
    channel.onMessage((data) => {
      for (const listener of listeners) listener(data);
    }),
  );
  const channel = await made[0].provider.open({ did: made[1].agent.did });
  const onMessage = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    send: (data) => channel.send(data),
    onMessage,
    close: () => Promise.all(made.map(({ provider }) => provider.close())),
  };
}

const [tcp, udp, bare, signal] = await Promise.all([
  channels('tcp'),
  channels('udp'),
  bareTcp(),
  signalPair(),
]);
const [[tcpOut, tcpIn], [udpOut, udpIn]] = await Promise.all([tcp.open(), udp.open()]);
const open = (way) => async () => {
  for (let at = 0; at < 8; at++) {
    const [one, other] = await way.open();
    await one.close();
    await other.closed;
  }
  return 8;
};

const ROWS = {
  'AEAD by hand, ChaCha20-Poly1305': aead(bareAead, CHACHA),
  'Noise record, ChaChaPoly': aead(noiseRecords, CHACHA),
  'AEAD by hand, AES-256-GCM': aead(bareAead, GCM),
  'Noise record, AESGCM': aead(noiseRecords, GCM),
  'TCP, AEAD by hand': () => carried(1500, bare.send, bare.onMessage),
  'TCP, Noise channel': () =>
    carried(
      1500,
      (data) => tcpOut.send(data),
      (listener) => tcpIn.onMessage(listener),
    ),
  'UDP, Noise channel': () =>
    carried(
      600,
      (data) => udpOut.send(data),
      (listener) => udpIn.onMessage(listener),
      64,
    ),
  'Signal channel, one way': () => carried(60, signal.send, signal.onMessage),
  'Noise XX, both sides': handshake('Noise_XX_25519_ChaChaPoly_SHA256'),
  'Noise XXhfs (noble), both sides': handshake('Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256'),
  'TCP channel opened, identities proven': open(tcp),
  'UDP channel opened, identities proven': open(udp),
};

const times = Object.fromEntries(Object.keys(ROWS).map((name) => [name, { wall: [], cpu: [] }]));
for (let round = -3; round < ROUNDS; round++) {
  const names = Object.keys(ROWS).sort(() => Math.random() - 0.5);
  for (const name of names) {
    const [began, used] = [performance.now(), process.cpuUsage()];
    const count = await ROWS[name]();
    const { user, system } = process.cpuUsage(used);
    if (round < 0) continue;
    times[name].wall.push(((performance.now() - began) * 1000) / count);
    times[name].cpu.push((user + system) / count);
  }
}
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const mediansOf = (clock) =>
  Object.fromEntries(Object.entries(times).map(([name, lists]) => [name, median(lists[clock])]));
const [medians, cpu] = [mediansOf('wall'), mediansOf('cpu')];

console.log(
  `Node ${process.version}, ${cpus()[0].model}; ${SIZE} bytes; medians of ${ROUNDS} interleaved rounds\n`,
);
console.log(`${'what'.padEnd(40)}${'us'.padStart(9)}${'cpu us'.padStart(9)}${'per second'.padStart(12)}`);
for (const [name, us] of Object.entries(medians))
  console.log(
    `${name.padEnd(40)}${us.toFixed(1).padStart(9)}${cpu[name].toFixed(1).padStart(9)}${Math.round(1e6 / us)
      .toLocaleString('en')
      .padStart(12)}`,
  );
// By the time on the processor, so that what else runs on the machine does not count.
const ratio = (one, other) => (cpu[other] / cpu[one]).toFixed(2);
console.log(`
of the speed of an AEAD by hand, by time on the processor
  record, ChaChaPoly   ${ratio('Noise record, ChaChaPoly', 'AEAD by hand, ChaCha20-Poly1305')}
  record, AESGCM       ${ratio('Noise record, AESGCM', 'AEAD by hand, AES-256-GCM')}
  over TCP             ${ratio('TCP, Noise channel', 'TCP, AEAD by hand')}

libsignal, measured elsewhere on such a machine: 127 us (Node 20) and 114 us (Node 24) for a message of 1 KB one way, its state in memory.`);
await Promise.all([tcp.close(), udp.close(), bare.close(), signal.close()]);
process.exit(0);
