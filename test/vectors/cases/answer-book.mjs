// Collects good and bad answers, as the frames that travel.
import { frameBytes, sealAnswer, TYPE } from '../reference/answer.mjs';
import { b64u, concat, sha256, utf8 } from '../reference/notation.mjs';
import { alices, bob, fixed, NOW } from '../world.mjs';

/** The request that is answered. */
export const REQUEST = 'GET /orders?limit=5';
export const ASKED = fixed('a request', 16);

/** Content by a rule, so that much of it takes no place in a file. */
export const byRule = (length, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

/** Frames of more bytes in total are not in the file: their length and digest are. */
const MAX_SHOWN = 16_384;

const JSON_ANSWER = {
  status: 201,
  contentType: 'application/json; charset=utf-8',
  headers: [
    ['etag', 'W/"17"'],
    ['set-cookie', 'a=1; Path=/'],
    ['set-cookie', 'b=2'],
  ],
};

export class AnswerBook {
  good = [];
  bad = [];

  constructor(version) {
    this.version = version;
    this.prefix = `v${version}`;
  }

  /** An answer of alice's to bob, of `lengths` bytes in each chunk; `more` changes it, `change` single steps. */
  make(name, lengths, more = {}, change = {}) {
    const { version, prefix } = this;
    const label = `answer ${prefix} ${name}`;
    let at = 0;
    const contents = lengths.map((length) => {
      at += length;
      return byRule(length, at - length);
    });
    const message = {
      ...{
        version,
        sender: alices[version],
        recipient: bob,
        timestamp: NOW,
        nonce: fixed(`${label} nonce`, 16),
      },
      ...{ scope: 'orders:read', request: REQUEST, inReplyTo: ASKED, ...JSON_ANSWER, contents },
      ...more,
    };
    const random = {
      ephemeralSecret: fixed(`${label} ephemeral`),
      kemCoins: fixed(`${label} kem`),
      mlDsaRandom: fixed(`${label} ml-dsa`),
      endMlDsaRandom: fixed(`${label} end ml-dsa`),
    };
    return { ...sealAnswer(message, random, change), message, random };
  }

  /** A case that is accepted. */
  accept(name, lengths, more = {}, { withSteps = false, spaces, settings } = {}) {
    const { message, random, frames, steps } = this.make(name, lengths, more);
    const { version } = this;
    const bytes = concat(...frames.map(frameBytes));
    const isLong = lengths.length > 1;
    const one = {
      name: `${this.prefix}: ${name}`,
      version,
      service: message.sender.did,
      ...(settings ? { settings } : {}),
      senderSeed: message.sender.seed,
      randomness: {
        nonce: message.nonce,
        ephemeralSecret: random.ephemeralSecret,
        kemCoins: version >= 2 ? random.kemCoins : undefined,
        mlDsaRandom: version >= 3 ? random.mlDsaRandom : undefined,
        endMlDsaRandom: version >= 3 && isLong ? random.endMlDsaRandom : undefined,
      },
      timestamp: message.timestamp,
      scope: message.scope,
      status: message.status,
      contentType: message.contentType,
      headers: message.headers,
      contentLengths: lengths,
      steps: withSteps
        ? { ...steps, ...(isLong ? {} : { endLabel: undefined, endTranscript: undefined }) }
        : undefined,
      ...(bytes.length > MAX_SHOWN && !isShown(frames)
        ? { length: bytes.length, sha256: sha256(bytes) }
        : { frames: frames.map((frame) => shown(frame, frame.type === TYPE.head ? spaces : undefined)) }),
    };
    this.good.push(one);
    return { ...one, made: frames };
  }

  /** A case that is refused: frames of good cases, in another order or changed. `facts`: error, cause, and what was handed over. */
  refuseFrames(name, of, frames, facts, settings) {
    const { version, name: base } = of;
    this.bad.push({
      name: `${this.prefix}: ${name}`,
      ...{ version, service: of.service, of: base, frames },
      ...(settings ? { settings } : {}),
      ...failure(facts),
    });
  }

  /** A case that is refused although alice made it: `lengths`, `more` and `change` as for `make`. */
  refuse(name, facts, { lengths = [12], more = {}, change = {}, settings, edit = (frames) => frames } = {}) {
    const { frames } = this.make(name, lengths, more, change);
    this.bad.push({
      name: `${this.prefix}: ${name}`,
      ...{ version: this.version, service: alices[this.version].did },
      ...(settings ? { settings } : {}),
      frames: edit(frames.map((frame) => shown(frame))),
      ...failure(facts),
    });
  }
}

const isShown = (frames) => frames.every(({ bytes }) => bytes.length <= MAX_SHOWN);

/** The head as text, the others as bytes. */
const shown = ({ type, bytes }, spaces) =>
  type === TYPE.head
    ? { type, text: new TextDecoder().decode(bytes), ...(spaces ? { spaces: spaces - bytes.length } : {}) }
    : { type, bytes };

/** Of which check the client says so, and how many bytes of the body an application may have by then: none of the head if absent. */
function failure({ error = 'ANSWER_INVALID', cause, handedOver }) {
  return { error, ...(cause ? { cause } : {}), ...(handedOver === undefined ? {} : { handedOver }) };
}

export const asked = { request: REQUEST, nonce: b64u(ASKED) };
export { utf8 };
