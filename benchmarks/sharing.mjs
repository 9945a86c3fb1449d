import crypto from 'node:crypto';
import {
  Agent,
  LoopbackTransport,
  MemoryTrustRegistry,
  reconstruct,
  splitForChannel,
} from '@private.me/xlink';
import { combine, split } from 'shamir-secret-sharing';
import { median, rounds, spread, table } from './stats.mjs';

const MIB = 2 ** 20;
const SIZES = [64, 128, 256, 512, 1024, 2048, 4096, 8192];
/** Microseconds in the papers, on an Apple M2: 2 of 3, AES-256-GCM. */
const PAPERS = {
  64: [17, 160],
  128: [26, 160],
  256: [41, 122],
  512: [39, 138],
  1024: [107, 140],
  2048: [262, 142],
  4096: [313, 134],
  8192: [883, 227],
};

/** Sharing against its floor, against Shamir, against AES-256-GCM, and in messages. Resolves to text. */
export async function benchSharing(seconds) {
  const large = await largeTasks();
  const small = SIZES.flatMap(smallTasks);
  const shamir = shamirTasks();
  const messages = await messageTasks();
  await measure(seconds * 0.3, large);
  await measure(seconds * 0.3, small);
  await measure(seconds * 0.15, shamir);
  await measure(seconds * 0.25, messages);
  return [reportLarge(large), reportShamir(shamir), reportSmall(small), reportMessages(messages)].join(
    '\n\n',
  );
}

const task = (name, run, batch = 1, prepare = () => undefined) => ({ name, run, batch, prepare, times: [] });

/** Interleaved; a quarter of the time to warm up. */
async function measure(seconds, tasks) {
  const run = (time, atLeast) =>
    rounds(time, atLeast, tasks, async ({ run, batch, prepare, times }) => {
      for (let i = 0; i < batch; i++) {
        const input = await prepare();
        const start = performance.now();
        const pending = run(input);
        if (pending instanceof Promise) await pending;
        times.push((performance.now() - start) * 1000);
      }
    });
  await run(seconds / 4, 1);
  for (const one of tasks) one.times.length = 0;
  await run((seconds * 3) / 4, 5);
}

/** 1 MiB, 2 of 3, with tags; shares as they come from channels, each in memory of its own. */
async function largeTasks() {
  const payload = new Uint8Array(crypto.randomBytes(MIB));
  const copies = (await splitForChannel(payload)).map((share) => ({
    ...share,
    pieces: share.pieces.map((piece) => Uint8Array.from(piece)),
  }));
  const bytes = MIB + 32;
  const pieces = Array.from({ length: 4 }, () => new Uint8Array(crypto.randomBytes(bytes)));
  const out = new Uint8Array(bytes);
  const hash = (count) => {
    for (const piece of pieces.slice(0, count)) sha256(piece);
  };
  return [
    task('split', () => splitForChannel(payload)),
    task('reconstruct', async () => {
      const back = await reconstruct([copies[2], copies[0]]);
      if (!back.ok || back.value.length !== MIB) throw new Error('not reconstructed');
    }),
    task('random bytes of 2 pieces', () => crypto.randomBytes(2 * bytes)),
    task('SHA-256 of 3 pieces', () => hash(3)),
    task('SHA-256 of 4 pieces', () => hash(4)),
    task('one XOR pass', () => xorPass(out, pieces)),
  ];
}

const sha256 = (bytes) =>
  crypto.hash ? crypto.hash('sha256', bytes, 'buffer') : crypto.createHash('sha256').update(bytes).digest();

/** Three pieces into one, in words. */
function xorPass(out, [a, b, c]) {
  const [o, x, y, z] = [out, a, b, c].map((bytes) => new Uint32Array(bytes.buffer, 0, bytes.length >> 2));
  for (let i = 0; i < o.length; i++) o[i] = x[i] ^ y[i] ^ z[i];
}

function reportLarge(tasks) {
  const times = Object.fromEntries(tasks.map(({ name, times }) => [name, median(times)]));
  const floors = {
    split: times['random bytes of 2 pieces'] + times['SHA-256 of 3 pieces'] + times['one XOR pass'],
    reconstruct: times['SHA-256 of 4 pieces'] + times['one XOR pass'],
  };
  const papers = { split: '52,000', reconstruct: '33,000' };
  const rows = [['1 MiB, 2 of 3, with tags', 'µs', 'floor', 'ratio', 'the papers', '']];
  for (const name of ['split', 'reconstruct']) {
    const { times: all } = tasks.find((one) => one.name === name);
    const ratio = (times[name] / floors[name]).toFixed(2);
    rows.push([name, spread(all), Math.round(floors[name]).toString(), ratio, papers[name], 'target 1.5']);
  }
  const parts = tasks.slice(2).map(({ name, times }) => `${name} ${Math.round(median(times))}`);
  return `${table(rows)}\n  floor: what has to be done, each once, by the fastest means at hand (${parts.join(', ')})`;
}

/** 64 KiB, 2 of 3: the tags are ours, shamir-secret-sharing has none. */
function shamirTasks() {
  const payload = new Uint8Array(crypto.randomBytes(64 * 1024));
  return [
    task('splitForChannel, reconstruct', async () => reconstruct((await splitForChannel(payload)).slice(1))),
    task('shamir-secret-sharing, no tags', async () => combine((await split(payload, 3, 2)).slice(1))),
  ];
}

function reportShamir([ours, shamir]) {
  return table([
    ['64 KiB, 2 of 3, there and back', 'µs', 'times ours'],
    [ours.name, spread(ours.times), ''],
    [shamir.name, spread(shamir.times), `${(median(shamir.times) / median(ours.times)).toFixed(1)}`],
  ]);
}

function smallTasks(bytes) {
  const payload = new Uint8Array(crypto.randomBytes(bytes));
  const sharing = (totalShares) => async () => {
    const shares = await splitForChannel(payload, { totalShares });
    return reconstruct(shares.slice(totalShares - 2));
  };
  return [
    task(`${bytes} 2 of 2`, sharing(2), 20),
    task(`${bytes} 2 of 3`, sharing(3), 20),
    task(`${bytes} AES, node:crypto`, () => aesNode(payload), 20),
    task(`${bytes} AES, WebCrypto`, () => aesWeb(payload), 20),
  ];
}

/** One message: a fresh key is imported on both sides. */
function aesNode(payload) {
  const raw = crypto.randomBytes(32);
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', crypto.createSecretKey(raw), iv);
  const sealed = [cipher.update(payload), cipher.final(), cipher.getAuthTag()];
  const decipher = crypto
    .createDecipheriv('aes-256-gcm', crypto.createSecretKey(raw), iv)
    .setAuthTag(sealed[2]);
  const opened = decipher.update(sealed[0]);
  decipher.final();
  return opened;
}

async function aesWeb(payload) {
  const { subtle } = crypto.webcrypto;
  const raw = crypto.randomBytes(32);
  const algorithm = { name: 'AES-GCM', iv: crypto.randomBytes(12) };
  const sealed = await subtle.encrypt(
    algorithm,
    await subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']),
    payload,
  );
  return subtle.decrypt(algorithm, await subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt']), sealed);
}

function reportSmall(tasks) {
  const of = (name) => median(tasks.find((one) => one.name === name).times);
  const rows = [
    [
      'there and back, µs',
      '2 of 2',
      '2 of 3',
      'AES node:crypto',
      'AES WebCrypto',
      'papers 2 of 3',
      'papers AES',
    ],
  ];
  for (const bytes of SIZES) {
    const mine = ['2 of 2', '2 of 3', 'AES, node:crypto', 'AES, WebCrypto'].map((name) =>
      of(`${bytes} ${name}`).toFixed(1),
    );
    rows.push([`${bytes} B`, ...mine, ...PAPERS[bytes].map(String)]);
  }
  return table(rows);
}

/** Agents, 256 bytes of JSON: createEnvelope or send over three transports, then receive until the message is there. */
async function messageTasks() {
  const tasks = [];
  const portable = (await providers()).portable;
  for (const [provider, crypto] of [
    ['native', undefined],
    ['portable', portable],
  ])
    for (const [kind, options, version] of [
      ['standard', { security: 'standard' }, 2],
      ['Xchange', { security: 'high', xchange: true }, 2],
      ['split-channel', { security: 'high' }, 2],
      ['split-channel + ML-DSA-65', { security: 'high' }, 3],
    ])
      tasks.push(await messageTask(`${kind}, v${version}, ${provider}`, options, version, crypto));
  return tasks;
}

/** The portable provider is what browsers get; the package exports it to them alone. */
async function providers() {
  const { createPortableProvider } = await import('../dist/esm/crypto/portable/index.js');
  return { portable: createPortableProvider() };
}

async function messageTask(name, options, maxVersion, provider) {
  const registry = new MemoryTrustRegistry();
  const transport = Array.from({ length: 3 }, () => new LoopbackTransport());
  const common = {
    registry,
    maxVersion,
    xchange: true,
    onWarning: () => undefined,
    ...(provider ? { crypto: provider } : {}),
  };
  const [sender, receiver] = await Promise.all([
    Agent.quickstart({ ...common, transport }),
    Agent.quickstart({ ...common, timestampWindowMs: 3_600_000 }),
  ]);
  const payload = { text: 'x'.repeat(256 - 11) };
  const run = async () => {
    const sent = await sender.send({ to: receiver.did, payload, ...options });
    const received = await receiver.receive(sent);
    if (!received.ok) throw new Error('A message was not received', { cause: received.error });
    for (const one of transport) one.outbox.length = 0;
  };
  return task(name, run, 3);
}

function reportMessages(tasks) {
  const papers = { Xchange: '1,900', 'split-channel': '9,000', 'split-channel + ML-DSA-65': '29,000' };
  const rows = [['256 B, send and receive over 3 transports', 'µs', 'the papers']];
  for (const { name, times } of tasks) rows.push([name, spread(times), papers[name.split(',')[0]] ?? '']);
  return table(rows);
}
