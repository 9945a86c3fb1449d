// Sending, receiving, request binding: docs/PROTOCOL.md, sections 9 to 11.
import { randomBytes } from '@noble/hashes/utils.js';
import { concat, fail, ProtocolError, toBase64url, utf8 } from './bytes.mjs';
import {
  groupTranscript,
  isEncrypted,
  isShares,
  isXchange,
  openBytes,
  parseContent,
  parseEnvelope,
  sealEnvelope,
  sealXchangeEnvelope,
  verifyPqSignature,
  verifySignature,
} from './envelope.mjs';
import { publicKeyOf } from './identity.mjs';
import { createRecord, Memory } from './record.mjs';
import { bundle, Collector, openXchange, readBundle, sealXchange, split } from './shares.mjs';

/** 11. In a text, a character up to U+00FF is that byte, one beyond it is its UTF-8 bytes. */
export function bindRequest(method, target) {
  const bytes = Array.from(target).flatMap((c) =>
    c.codePointAt(0) <= 0xff ? c.codePointAt(0) : [...utf8(c)],
  );
  let out = '';
  for (const b of bytes) {
    const plain = b >= 0x21 && b <= 0x7e && b !== 0x22 && b !== 0x5c;
    out += plain ? String.fromCharCode(b) : `%${b.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return `${method.replace(/[a-z]/g, (c) => c.toUpperCase())} ${out}`;
}

/** 10.1, check 6. `actual` is undefined where there is no HTTP request. */
export function checkBinding(claimed, actual, required) {
  if (actual === undefined) return;
  if (claimed === undefined) {
    if (required) fail('REQUEST_BINDING_REQUIRED');
  } else if (claimed !== actual) fail('REQUEST_BINDING_MISMATCH');
}

const allows = (list, scope) => list === undefined || list.includes(scope) || list.includes('*');

/**
 * One implementation of the protocol: an identity with its memory and nonces. `lookup(did)` answers
 * { record, status, sendScopes, receiveScopes }, or undefined if the DID is unknown.
 */
export class Peer {
  #memory = new Memory();
  #nonces = new Map();
  #collector = new Collector();

  constructor(id, lookup, options = {}) {
    this.id = id;
    this.did = id.did;
    this.lookup = lookup;
    this.options = { minVersion: 1, window: 30_000, now: Date.now, random: randomBytes, ...options };
  }

  forget(did) {
    this.#memory.forget(did);
  }

  record(epoch) {
    return createRecord(this.id, epoch);
  }

  /** 9. `options`: scope, content, version, signedOnly, request, contentDigest, contentType, inReplyTo. */
  async seal(to, options) {
    const { fields, text, record } = await this.#prepare(to, options);
    return sealEnvelope(this.id, fields, text, options.signedOnly ? undefined : record, this.options.random);
  }

  /** 16.3: envelopes of `n` shares, one for each list of indexes in `routes`. `options` as for seal, and `xchange`. */
  async sealShares(to, { n, k, routes, xchange = false, ...options }) {
    const { random } = this.options;
    const { fields, text, record } = await this.#prepare(to, options);
    const fresh = () => ({ ...fields, nonce: random(16, 'nonce') });
    const data = xchange ? random(32, 'contentKey') : utf8(text);
    const g = split(data, n, k, random);
    if (!xchange)
      return routes.map((some) => sealEnvelope(this.id, fresh(), bundle(g, some), record, random).text);
    const common = groupTranscript(fields, g.groupId, this.did);
    const ciphertext = sealXchange(data, common, this.did, utf8(text));
    return routes.map(
      (some) => sealXchangeEnvelope(this.id, fresh(), concat(bundle(g, some), ciphertext)).text,
    );
  }

  async #prepare(to, { scope, content, version, signedOnly = false, ...members }) {
    const o = this.options;
    if (!allows(o.sendScopes, scope)) fail('SCOPE_DENIED');
    const text = content === undefined ? undefined : JSON.stringify(content);
    if (text === undefined && (content !== undefined || !signedOnly)) fail('PAYLOAD_NOT_SERIALIZABLE');
    const entry = await this.#find(to, 'LOOKUP_FAILED');
    const record = this.#memory.resolve(to, entry.record);
    if (!allows(entry.receiveScopes, scope)) fail('RECEIVER_SCOPE_DENIED');
    if (!record && !signedOnly) fail('KEY_AGREEMENT_FAILED:NO_KEY_RECORD');
    const highest = Math.min(this.id.version, record?.version ?? 3);
    const v = version ?? highest;
    if (v > highest || v < o.minVersion) fail('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION');
    const fields = { version: v, to, timestamp: o.now(), nonce: o.random(16, 'nonce'), scope, ...members };
    return { fields, text, record };
  }

  async #find(did, prefix) {
    let entry;
    try {
      entry = await this.lookup(did);
    } catch {
      fail('LOOKUP_FAILED');
    }
    if (!entry) fail(`${prefix}:DID_NOT_IN_REGISTRY`);
    if (entry.status === 'revoked') fail(`${prefix}:DID_REVOKED`);
    return entry;
  }

  /** 10. `request` is the canonical text of the actual request, `allowCleartext` admits signed-only. */
  async receive(input, options = {}) {
    return this.accept(parseEnvelope(input, options.maxBytes ?? this.options.maxBytes), options);
  }

  /** Checks 3 to 23. `beforeClaim` may refuse, once the sender is authenticated. */
  async accept(e, { request, requireBinding = true, allowCleartext = true, beforeClaim } = {}) {
    const o = this.options;
    if (e.to !== this.did) fail('RECIPIENT_MISMATCH');
    if (e.version < o.minVersion) fail('VERSION_TOO_LOW');
    if (!allowCleartext && !isEncrypted(e)) fail('CLEARTEXT_NOT_ALLOWED');
    if (isXchange(e) && !o.xchange) fail('XCHANGE_REFUSED');
    if (isShares(e) && request !== undefined) fail('SHARES_NOT_ACCEPTED');
    checkBinding(e.request, request, requireBinding);
    const now = o.now();
    if (e.timestamp < now - o.window) fail('TIMESTAMP_EXPIRED');
    if (e.timestamp > now + o.window) fail('TIMESTAMP_EXPIRED:FUTURE');
    const use = `${e.to} ${e.from} ${e.nonce}`;
    for (const [key, until] of this.#nonces) if (until < now) this.#nonces.delete(key);
    if (this.#nonces.has(use)) fail('REPLAY_DETECTED');
    const entry = await this.#find(e.from, 'VERIFICATION_FAILED');
    const key = publicKeyOf(e.from);
    const record = this.#memory.resolve(e.from, entry.record);
    if (!isXchange(e) && e.version < this.#memory.shown(e.from)) fail('VERSION_TOO_LOW');
    if (!verifySignature(e, key)) fail('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    if (e.version === 3) {
      if (!record?.mlDsa65) fail('VERIFICATION_FAILED:NO_PQ_KEY');
      if (!verifyPqSignature(e, record.mlDsa65)) fail('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH');
    }
    if (!allows(entry.sendScopes, e.scope)) fail('SCOPE_DENIED');
    if (!allows(o.receiveScopes, e.scope)) fail('SCOPE_NOT_ALLOWED');
    await beforeClaim?.(e);
    if (this.#nonces.has(use)) fail('REPLAY_DETECTED');
    this.#nonces.set(use, now + 2 * o.window + 1000);
    if (!isXchange(e)) this.#memory.show(e.from, e.version);
    const opened = openBytes(this.id, e);
    const whole = isShares(e) ? this.#gather(e, opened, now) : { bytes: opened, more: { nonce: e.nonce } };
    const content = parseContent(whole.bytes);
    const message = { from: e.from, to: e.to, content, encrypted: isEncrypted(e), ...whole.more };
    for (const name of ['scope', 'version', 'timestamp']) message[name] = e[name];
    for (const name of ['request', 'contentDigest', 'contentType', 'inReplyTo']) {
      if (e[name] !== undefined) message[name] = e[name];
    }
    return message;
  }

  /** 16.4 */
  #gather(e, opened, now) {
    const b = readBundle(opened, isXchange(e));
    const groupId = toBase64url(b.groupId);
    const use = `${e.to} ${e.from} ${groupId}`;
    if (this.#nonces.has(use)) fail('REPLAY_DETECTED:GROUP_COMPLETE');
    const common = groupTranscript(e, b.groupId);
    const { data, rest } = this.#collector.add(e.from, common, b);
    const bytes = isXchange(e) ? openXchange(data, common, e.from, rest) : data;
    this.#nonces.set(use, now + 2 * this.options.window + 1000);
    const shares = { total: b.n, threshold: b.k };
    return { bytes, more: { nonce: groupId, shares, ...(isXchange(e) ? { xchange: true } : {}) } };
  }
}

/** The error id of a refusal, or 'accepted'. */
export async function outcome(promise) {
  try {
    await promise;
    return 'accepted';
  } catch (error) {
    if (error instanceof ProtocolError) return error.id;
    throw error;
  }
}
