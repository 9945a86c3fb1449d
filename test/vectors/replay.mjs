// Plays the cases of the envelope files on a receiver. Portable: it runs in every runtime and imports nothing.

export const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The envelope of a case: in full, or as a replacement of some characters in that of a good case. */
export function inputOf(file, source) {
  if (source.envelopeHex !== undefined) return hex(source.envelopeHex);
  if (source.envelope !== undefined) return source.envelope;
  const base = file.good.find(({ name }) => name === source.of).envelope;
  const { at = 0, cut = 0, insert = '' } = source;
  return base.slice(0, at) + insert + base.slice(at + cut);
}

/**
 * A function that plays one case of `file` on an agent of its own, and resolves to what `receive` of the case's
 * envelope does, with the message as the files have it. `options` go to each agent.
 */
export function player(xlink, file, options = {}) {
  const receiverFor = receivers(xlink, file, options);
  return async ({ settings = {}, ...source }) => {
    const receiver = await receiverFor(settings);
    for (const { did, record, error = 'ok', ...step } of settings.before ?? []) {
      if (did) receiver.publish(did, record);
      else {
        const before = await receiver.receive(inputOf(file, step), step);
        const id = before.ok ? 'ok' : before.error.id;
        if (id !== error) throw new Error(`what came before: ${id}`);
      }
    }
    if (settings.revoked) receiver.revoke(settings.revoked);
    return receiver.receive(inputOf(file, source), { now: settings.now });
  };
}

/** What a case says of the way of receiving, and what it says of the agent. */
const RULES = ['kind', 'inReplyTo', 'ownScope', 'allowCleartext', 'request', 'requireRequestBinding'];
const OPTIONS = ['minVersion', 'versionFloor', 'timestampWindowMs', 'receiveScopes', 'maxEnvelopeBytes'];

/** A function that makes a receiver of `file` with the settings of a case. */
export function receivers({ Agent, Identity, MemoryNonceStore }, file, options = {}) {
  const { crypto } = options;
  const identities = new Map();
  const identityOf = (seed, maxVersion) => {
    if (!identities.has(maxVersion))
      identities.set(maxVersion, Identity.fromSeed(hex(seed), { maxVersion, ...(crypto ? { crypto } : {}) }));
    return identities.get(maxVersion);
  };
  return async (settings) => {
    const rules = { ...file.receiver, ...settings };
    const registry = registryOf(file.registry, settings.sendScopes);
    let now = file.now;
    const clock = () => now;
    const agent = new Agent({
      identity: await identityOf(rules.seed, rules.maxVersion),
      registry,
      nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }),
      clock,
      xchange: rules.xchange === true && rules.minVersion < 3, // an agent refuses both together
      onWarning: () => {},
      ...given(rules, OPTIONS),
      ...options,
    });
    for (const record of settings.services ?? []) await agent.adoptService(record);
    return {
      publish: registry.publish,
      revoke: registry.revoke,
      async receive(input, step) {
        now = step.now ?? file.now;
        const received = await agent.receiveContent(input, {
          ...given(rules, RULES),
          ...given(step, ['kind']),
        });
        return received.ok ? { ok: true, value: written(received.value.message) } : received;
      },
    };
  };
}

/** The files have the bytes of content that is not JSON as base64url. */
function written({ payload, ...message }) {
  if (payload === undefined) return message;
  if (!(payload instanceof Uint8Array)) return { ...message, payload };
  const text = btoa(String.fromCharCode(...payload));
  return { ...message, bytes: text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') };
}

function registryOf(entries, sendScopes) {
  const records = new Map();
  const revoked = new Set();
  const refuse = () => {
    throw new Error('this registry is only read');
  };
  return {
    register: refuse,
    updateKeys: refuse,
    publish: (did, record) => records.set(did, record),
    revoke: (did) => revoked.add(did),
    lookup(did) {
      const entry = entries.find((one) => one.did === did);
      if (!entry) return undefined;
      const { keys, sendScopes: own, ...rest } = entry;
      const record = records.has(did) ? records.get(did) : keys;
      const scopes = sendScopes === undefined ? own : sendScopes;
      return {
        ...rest,
        ...(record ? { keys: record } : {}),
        ...(scopes ? { sendScopes: scopes } : {}),
        ...(revoked.has(did) ? { status: 'revoked' } : {}),
      };
    },
  };
}

/** The members of `settings` that are there; null stands for none. */
const given = (settings, names) =>
  Object.fromEntries(names.filter((name) => settings[name] != null).map((name) => [name, settings[name]]));
