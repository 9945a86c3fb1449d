// Plays the cases of the envelope files on a receiver. Portable: it runs in every runtime and imports nothing.

export const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The envelope of a case: in full, or as a replacement of some characters in that of a good case. */
function inputOf(file, source) {
  if (source.envelopeHex !== undefined) return hex(source.envelopeHex);
  if (source.envelope !== undefined) return source.envelope;
  const base = file.good.find(({ name }) => name === source.of).envelope;
  const { at = 0, cut = 0, insert = '' } = source;
  return base.slice(0, at) + insert + base.slice(at + cut);
}

/**
 * A function that plays one case of `file` on an agent of its own, and resolves to what `receive` of the case's
 * envelope does. `identity` is that of the receiver; `options` go to each agent.
 */
export function player({ Agent, MemoryNonceStore }, file, identity, options = {}) {
  return async ({ settings = {}, ...source }) => {
    let now = file.now;
    const revoked = new Set();
    const clock = () => now;
    const { minVersion, timestampWindowMs, receiveScopes, allowCleartext } = {
      ...file.receiver,
      ...settings,
    };
    const agent = new Agent({
      identity,
      registry: registryOf(file.registry, settings.sendScopes, revoked),
      nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }),
      clock,
      minVersion,
      timestampWindowMs,
      receiveScopes,
      ...given(settings, ['maxEnvelopeBytes']),
      ...options,
    });
    const receiveOptions = { allowCleartext, ...given(settings, ['request', 'requireRequestBinding']) };
    for (const step of settings.before ?? []) {
      now = step.now ?? file.now;
      const before = await agent.receive(inputOf(file, step), receiveOptions);
      const id = before.ok ? 'ok' : before.error.id;
      if (id !== (step.error ?? 'ok')) throw new Error(`what came before: ${id}`);
    }
    now = settings.now ?? file.now;
    if (settings.revoked) revoked.add(settings.revoked);
    return agent.receive(inputOf(file, source), receiveOptions);
  };
}

function registryOf(entries, sendScopes, revoked) {
  const refuse = () => {
    throw new Error('this registry is only read');
  };
  return {
    register: refuse,
    updateKeys: refuse,
    lookup(did) {
      const entry = entries.find((one) => one.did === did);
      if (!entry) return undefined;
      return {
        ...entry,
        ...(sendScopes ? { sendScopes } : {}),
        ...(revoked.has(did) ? { status: 'revoked' } : {}),
      };
    },
  };
}

/** The members of `settings` that are there. */
const given = (settings, names) =>
  Object.fromEntries(
    names.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
  );
