// Sending, receiving, request binding: docs/PROTOCOL.md, sections 9 to 11.
import { randomBytes } from '@noble/hashes/utils.js';
import { concat, fail, fromBase64url, ProtocolError, toBase64url, utf8 } from './bytes.mjs';
import {
  beginAnswer,
  groupTranscript,
  openAnswerEnvelope,
  openEnvelope,
  openXchange,
  readContent,
  sealEnvelope,
  sealXchange,
  sealXchangeEnvelope,
  verifyPqSignature,
  verifySignature,
} from './envelope.mjs';
import { publicKeyOf } from './identity.mjs';
import { isEncrypted, isShares, isXchange, parseEnvelope } from './parse.mjs';
import { createRecord, Memory } from './record.mjs';
import { bundle, Collector, readBundle, split } from './shares.mjs';

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
export function checkBinding(claimed, actual, required, kind = 'message') {
  if (actual === undefined) {
    if (claimed !== undefined && kind === 'message') fail('REQUEST_BINDING_MISMATCH');
  } else if (claimed === undefined) {
    if (required) fail('REQUEST_BINDING_REQUIRED');
  } else if (claimed !== actual) fail('REQUEST_BINDING_MISMATCH');
}

/** 3.2: an absent list of an entry allows nothing. */
const grants = (list, scope) => list !== undefined && (list.includes(scope) || list.includes('*'));
/** A list of its own that an implementation does without allows everything. */
const accepts = (list, scope) => list === undefined || list.includes(scope) || list.includes('*');

/** 10.6: what `*` in a request stands for. */
function scopesInForce(granted = [], accepted = ['*']) {
  if (accepted.includes('*')) return granted;
  return granted.includes('*') ? accepted : granted.filter((scope) => accepted.includes(scope));
}

const SLOW_BODY = 300_000;

/**
 * One implementation of the protocol: an identity with its memory and nonces. `lookup(did)` answers
 * { record, status, sendScopes, receiveScopes }, or undefined if the DID is unknown.
 */
export class Peer {
  #memory = new Memory();
  /** 10.5: the services that were called, apart from the registry. */
  #services = new Map();
  #serviceMemory = new Memory();
  #nonces = new Map();
  #collector = new Collector();

  constructor(id, lookup, options = {}) {
    this.id = id;
    this.did = id.did;
    this.lookup = lookup;
    this.options = {
      ...{ minVersion: 1, versionFloor: 'record', window: 30_000, now: Date.now, random: randomBytes },
      ...options,
    };
  }

  forget(did) {
    this.#memory.forget(did);
  }

  record(epoch, more) {
    return createRecord(this.id, epoch, more);
  }

  /** Gets to know a service that is called. */
  adopt(record) {
    this.#serviceMemory.resolve(record.did, record);
    this.#services.set(record.did, record);
  }

  /** 9. `options`: kind, scope, content or bytes, contentType, headers, version, signedOnly, request, fields, … */
  async seal(to, options) {
    const { fields, content, record } = await this.#prepare(to, options);
    if (options.signedOnly)
      return sealEnvelope(this.id, fields, content, 'signed', undefined, this.options.random);
    return sealEnvelope(this.id, fields, content, 'encrypted', record, this.options.random);
  }

  /** 16.3: envelopes of `n` shares, one for each list of indexes in `routes`. `options` as for seal, and `xchange`. */
  async sealShares(to, { n, k, routes, xchange = false, ...options }) {
    const { random } = this.options;
    const { fields, content, record } = await this.#prepare(to, options);
    const { bytes, contentType } = content;
    const fresh = () => ({ ...fields, nonce: random(16, 'nonce') });
    const data = xchange ? random(32, 'contentKey') : bytes;
    const g = split(data, n, k, random);
    if (!xchange)
      return routes.map((some) => {
        const shares = { bytes: bundle(g, some), contentType };
        return sealEnvelope(this.id, fresh(), shares, 'shares', record, random).text;
      });
    const common = groupTranscript(fields, g.groupId, this.did);
    const ciphertext = sealXchange(data, fields, common, this.did, content);
    return routes.map(
      (some) => sealXchangeEnvelope(this.id, fresh(), concat(bundle(g, some), ciphertext)).text,
    );
  }

  async #prepare(
    to,
    { content: value, bytes, contentType, headers, version, signedOnly = false, ...members },
  ) {
    const o = this.options;
    const { kind = 'message', scope } = members;
    const isOwnIdea = kind === 'message' || kind === 'request';
    if (isOwnIdea && scope !== '*' && !accepts(o.sendScopes, scope)) fail('SCOPE_DENIED');
    let content = bytes && { bytes, contentType: contentType ?? '', headers };
    const text = value === undefined ? undefined : JSON.stringify(value);
    if (text !== undefined)
      content = { bytes: utf8(text), contentType: contentType ?? 'application/json', headers };
    if (!content && (value !== undefined || !signedOnly)) fail('PAYLOAD_NOT_SERIALIZABLE');
    const asService = kind === 'request' && this.#services.has(to);
    const entry = asService ? {} : await this.#find(to, 'LOOKUP_FAILED');
    const record = asService
      ? this.#serviceMemory.resolve(to, this.#services.get(to))
      : this.#memory.resolve(to, entry.record);
    if (kind === 'message' && !grants(entry.receiveScopes, scope)) fail('RECEIVER_SCOPE_DENIED');
    if (!record && !signedOnly) fail('KEY_AGREEMENT_FAILED:NO_KEY_RECORD');
    const highest = Math.min(this.id.version, record?.version ?? 3);
    const v = version ?? highest;
    if (v > highest || v < o.minVersion) fail('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION');
    const now = o.now();
    if (!signedOnly && now > record.notAfter) fail('KEY_RECORD_EXPIRED');
    const fields = { kind, version: v, to, timestamp: now, nonce: o.random(16, 'nonce'), ...members };
    if (signedOnly && contentType !== undefined) fields.contentType = contentType; // of the body beside it
    return { fields, content, record };
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

  /** 12.5: the beginning of the answer to a received request. */
  async beginAnswer(
    message,
    { status, contentType = '', headers = [], bytes },
    isFinal,
    random = this.options.random,
  ) {
    const { scope, request, nonce, from } = message;
    const members = { kind: 'answer', scope, request, inReplyTo: fromBase64url(nonce) };
    const { fields, record } = await this.#prepare(from, { ...members, bytes });
    return beginAnswer(this.id, fields, { status, contentType, headers, bytes }, isFinal, record, random);
  }

  /**
   * Checks 3 to 23. `kind` is the one that is taken, `inReplyTo` the nonce of the request whose answer or refusal is waited
   * for, `isFinal` whether the first chunk of an answer is its last, `ownScope` the scope of the library's own route. `beforeClaim` may refuse, once the sender is authenticated.
   */
  async accept(e, options = {}) {
    const { request, requireBinding = true, allowCleartext = true, beforeClaim } = options;
    const { kind = 'message', inReplyTo, ownScope, isFinal } = options;
    const o = this.options;
    if (e.to !== this.did) fail('RECIPIENT_MISMATCH');
    if (e.kind !== kind) fail('KIND_NOT_ACCEPTED');
    if (e.version < o.minVersion) fail('VERSION_TOO_LOW');
    if (!allowCleartext && !isEncrypted(e)) fail('CLEARTEXT_NOT_ALLOWED');
    if (inReplyTo !== undefined && e.inReplyTo !== inReplyTo) fail('ANSWER_INVALID');
    if (isXchange(e) && !o.xchange) fail('XCHANGE_REFUSED');
    if (isShares(e) && request !== undefined) fail('SHARES_NOT_ACCEPTED');
    checkBinding(e.request, request, requireBinding, kind);
    const now = o.now();
    if (e.timestamp < now - o.window) fail('TIMESTAMP_EXPIRED');
    if (e.timestamp > now + o.window) fail('TIMESTAMP_EXPIRED:FUTURE');
    const use = `${e.to} ${e.from} ${e.nonce}`;
    for (const [key, until] of this.#nonces) if (until < now) this.#nonces.delete(key);
    if (this.#nonces.has(use)) fail('REPLAY_DETECTED');
    const asked = e.kind === 'answer' || e.kind === 'refusal' ? this.#services.get(e.from) : undefined;
    const entry = asked ? { record: asked } : await this.#find(e.from, 'VERIFICATION_FAILED');
    const key = publicKeyOf(e.from);
    const memory = asked ? this.#serviceMemory : this.#memory;
    const record = memory.resolve(e.from, entry.record);
    if (!isXchange(e)) {
      const onRecord = o.versionFloor === 'record' ? Math.min(record?.version ?? 1, this.id.version) : 1;
      if (e.version < Math.max(onRecord, memory.shown(e.from))) fail('VERSION_TOO_LOW');
    }
    if (!verifySignature(e, key)) fail('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    if (e.version === 3) {
      if (!record?.mlDsa65) fail('VERIFICATION_FAILED:NO_PQ_KEY');
      if (!verifyPqSignature(e, record.mlDsa65)) fail('VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH');
    }
    const scopes = this.#authorize(e, entry, ownScope);
    if (isEncrypted(e) && !isXchange(e) && e.keyEpoch !== 0) fail('KEY_EPOCH_UNKNOWN');
    await beforeClaim?.(e);
    if (this.#nonces.has(use)) fail('REPLAY_DETECTED');
    this.#nonces.set(use, now + 2 * o.window + SLOW_BODY + 1000);
    if (!isXchange(e)) memory.show(e.from, e.version);
    if (e.kind === 'answer') {
      const sender = { ed25519: key, mlDsa65: record?.mlDsa65 };
      return { from: e.from, ...openAnswerEnvelope(this.id, e, isFinal, sender) };
    }
    const opened = openEnvelope(this.id, e);
    const whole = isShares(e) ? this.#gather(e, opened, now) : { opened, more: { nonce: e.nonce } };
    return messageOf(e, whole, scopes);
  }

  /** 10.6. The scopes that a request may use. */
  #authorize(e, entry, ownScope) {
    if (e.kind !== 'message' && e.kind !== 'request') return undefined;
    const { receiveScopes } = this.options;
    if (ownScope !== undefined || e.scope.startsWith('xlink:')) {
      if (e.scope !== ownScope) fail('SCOPE_NOT_ALLOWED');
      return [e.scope];
    }
    if (e.scope === '*') return scopesInForce(entry.sendScopes, receiveScopes);
    if (!grants(entry.sendScopes, e.scope)) fail('SCOPE_DENIED');
    if (!accepts(receiveScopes, e.scope)) fail('SCOPE_NOT_ALLOWED');
    return [e.scope];
  }

  /** 16.4 */
  #gather(e, { bytes, contentType }, now) {
    const b = readBundle(bytes, isXchange(e));
    const groupId = toBase64url(b.groupId);
    const use = `${e.to} ${e.from} ${groupId}`;
    if (this.#nonces.has(use)) fail('REPLAY_DETECTED:GROUP_COMPLETE');
    const common = groupTranscript(e, b.groupId);
    const facts = concat(common, utf8(contentType ?? ''));
    const { data, rest } = this.#collector.add(e.from, facts, b);
    if (isXchange(e) && data.length !== 32) fail('DECRYPT_FAILED:DECRYPTION');
    const opened = isXchange(e) ? openXchange(e, data, common, rest) : { bytes: data, contentType };
    this.#nonces.set(use, now + 2 * this.options.window + SLOW_BODY + 1000);
    const shares = { total: b.n, threshold: b.k };
    return { opened, more: { nonce: groupId, shares, ...(isXchange(e) ? { xchange: true } : {}) } };
  }
}

/** 10.4 */
function messageOf(e, { opened, more }, scopes) {
  const message = { from: e.from, to: e.to, encrypted: isEncrypted(e), ...more };
  for (const name of ['kind', 'scope', 'version', 'timestamp']) message[name] = e[name];
  for (const name of ['request', 'fields', 'fieldsDigest', 'contentDigest', 'inReplyTo'])
    if (e[name] !== undefined) message[name] = e[name];
  if (opened) Object.assign(message, readContent(e, opened));
  const contentType = e.contentType ?? opened?.contentType;
  if (contentType) message.contentType = contentType;
  if (opened?.headers) message.headers = opened.headers;
  if (e.kind === 'request') message.scopes = scopes;
  return message;
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
