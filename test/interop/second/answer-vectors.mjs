// answers.json against this implementation: docs/PROTOCOL.md, section 15.4.
import { sha256 } from '@noble/hashes/sha2.js';
import { openAnswer, sealAnswer } from './answer.mjs';
import { concat, fromHex, toHex, u32, utf8 } from './bytes.mjs';
import { Peer } from './peer.mjs';
import { createRecord } from './record.mjs';
import { identityOf, load, tally } from './vectors.mjs';

/** Content by the rule. */
const byRule = (length, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

/** What travels. `frames`: those of a case. */
function streamOf(v, of, frames) {
  const one = (f) => {
    if (f.raw !== undefined) return fromHex(f.raw);
    const base = f.frame === undefined ? f : v.good.find((g) => g.name === (f.of ?? of)).frames[f.frame];
    let bytes =
      base.text === undefined ? fromHex(base.bytes) : utf8(base.text + ' '.repeat(base.spaces ?? 0));
    if (f.keep !== undefined) bytes = bytes.slice(0, f.keep);
    if (f.cut) bytes = bytes.slice(0, -f.cut);
    if (f.append) bytes = concat(bytes, new Uint8Array(f.append));
    if (f.flip !== undefined) bytes[f.flip < 0 ? bytes.length + f.flip : f.flip] ^= 1;
    const whole = concat(Uint8Array.of(f.type ?? base.type), u32(bytes.length), bytes);
    return whole.slice(0, f.leave ?? whole.length - (f.short ?? 0));
  };
  return concat(...frames.map(one));
}

/** What a client makes of these bytes: [error, cause, bytes handed over before], or the answer. */
async function openCase(v, c, stream) {
  const peer = new Peer(identityOf(v.receiver.seed, v.receiver.maxVersion), () => undefined, {
    now: () => v.now,
    window: v.receiver.timestampWindowMs,
  });
  const known = [c.service, c.settings?.knows];
  for (const record of v.services) if (known.includes(record.did)) peer.adopt(record);
  const get = async (one, bytes, sent, options) => {
    const parts = [];
    let isHandedOver = false;
    try {
      const headers = { 'content-type': 'application/xlink-answer' };
      const { body, ...about } = await openAnswer(
        peer,
        one.service,
        sent,
        { status: 200, headers, body: bytes },
        options,
      );
      isHandedOver = true;
      for await (const part of body) parts.push(part);
      return { ...about, body: concat(...parts) };
    } catch (error) {
      if (error.id === undefined) throw error;
      return [error.id, error.cause?.id, isHandedOver ? concat(...parts).length : undefined];
    }
  };
  const { before, maxBytes } = c.settings ?? {};
  if (before) {
    const earlier = v.good.find((g) => g.name === before.of);
    const sent = { ...v.asked, nonce: before.inReplyTo ?? v.asked.nonce };
    await get(earlier, streamOf(v, undefined, earlier.frames.slice(0, before.count)), sent);
  }
  return get(c, stream, v.asked, maxBytes === undefined ? {} : { maxBytes });
}

/** The stream of a good case, made with its randomness. */
async function makeAnswer(v, c) {
  const receiver = identityOf(v.receiver.seed, v.receiver.maxVersion);
  const entry = { record: createRecord(receiver), status: 'active' };
  const { nonce, ephemeralSecret, kemCoins, mlDsaRandom, endMlDsaRandom } = c.randomness;
  const randomness = {
    nonce,
    ephemeral: ephemeralSecret,
    m: kemCoins,
    rnd: mlDsaRandom,
    'end rnd': endMlDsaRandom,
  };
  const service = new Peer(identityOf(c.senderSeed, c.version), () => entry, {
    now: () => c.timestamp,
    random: (_, what) => fromHex(randomness[what]),
  });
  const message = { from: receiver.did, scope: c.scope, request: v.asked.request, nonce: v.asked.nonce };
  const type = c.contentType === '' ? [] : [['Content-Type', c.contentType]];
  let at = 0;
  const body = c.contentLengths.map((length) => {
    at += length;
    return byRule(length, at - length);
  });
  const frames = [];
  const answer = { status: c.status, headers: [...type, ...c.headers], body };
  for await (const frame of sealAnswer(service, message, answer)) frames.push(frame);
  return concat(...frames);
}

export async function runAnswers() {
  const { result, check } = tally();
  const v = load('answers.json');
  for (const c of v.good) {
    const made = await makeAnswer(v, c);
    const stream = c.frames ? streamOf(v, undefined, c.frames) : made;
    if (c.sha256) check(`${c.name}: made`, [made.length, toHex(sha256(made))], [c.length, c.sha256]);
    else if (!c.frames.some(({ spaces }) => spaces)) check(`${c.name}: made`, toHex(made), toHex(stream));
    const hasBody = ![204, 205, 304].includes(c.status);
    const length = hasBody ? c.contentLengths.reduce((a, b) => a + b) : 0;
    const { status, contentType, headers } = c;
    check(c.name, await openCase(v, c, stream), { status, contentType, headers, body: byRule(length) });
  }
  for (const c of v.bad) {
    const got = await openCase(v, c, streamOf(v, c.of, c.frames));
    check(c.name, got, [c.error, c.cause, c.handedOver]);
  }
  return result;
}
