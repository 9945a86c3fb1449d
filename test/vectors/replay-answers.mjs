// Plays the cases of answers.json on a client. Portable: it runs in every runtime and imports nothing but its neighbor.
import { hex } from './replay.mjs';

const utf8 = (text) => new TextEncoder().encode(text);

function concat(parts) {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Content by the rule: all of the body, or the part of each chunk. */
export const contentOf = (length, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

export const contentsOf = ({ contentLengths }) => {
  let at = 0;
  return contentLengths.map((length) => {
    at += length;
    return contentOf(length, at - length);
  });
};

function changed(bytes, { flip, cut = 0, keep = bytes.length - cut, append = 0 }) {
  const out = concat([bytes.slice(0, keep), new Uint8Array(append)]);
  if (flip !== undefined) out[flip < 0 ? out.length + flip : flip] ^= 1;
  return out;
}

function bytesOf({ text, bytes, spaces = 0 }) {
  return text === undefined ? hex(bytes) : utf8(text + ' '.repeat(spaces));
}

function oneFrame(file, source, one) {
  if (one.raw !== undefined) return hex(one.raw);
  const base = one.frame === undefined ? one : goodOf(file, one.of ?? source.of).frames[one.frame];
  const type = one.type ?? base.type;
  const bytes = changed(bytesOf(base), one);
  const prefix = new Uint8Array(5);
  prefix[0] = type;
  new DataView(prefix.buffer).setUint32(1, bytes.length);
  const whole = concat([prefix, bytes]);
  return whole.slice(0, one.leave ?? whole.length - (one.short ?? 0));
}

export const goodOf = (file, name) => file.good.find((one) => one.name === name);

/** What travels in a case that has its frames: the first `count` of them. */
export const streamOf = (file, source, count = source.frames.length) =>
  concat(source.frames.slice(0, count).map((one) => oneFrame(file, source, one)));
