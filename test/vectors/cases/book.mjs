// Collects the good and bad envelopes of one version and form.
import { SUITE, seal, signOnly } from '../reference/envelope.mjs';
import { b64u, utf8 } from '../reference/notation.mjs';
import { alices, bob, fixed, NOW } from '../world.mjs';
import { editOf, nonEmpty } from './edits.mjs';

export const ABOUT =
  'Byte strings are hexadecimal, envelopes are JSON text as it travels. How to use this file: docs/PROTOCOL.md, section "Test vectors".';

export const HELLO = utf8('{"hello":"world"}');

export class Book {
  good = [];
  bad = [];

  constructor(version, sealed) {
    this.version = version;
    this.sealed = sealed;
    this.suite = (sealed ? SUITE.sealed : SUITE.signedOnly)[version];
    this.prefix = `v${version}${sealed ? '' : ' signed-only'}`;
  }

  /** The first good case; most bad ones are edits of it. */
  get minimal() {
    return this.good[0];
  }

  nonceOf(name) {
    return fixed(`${this.prefix} ${name} nonce`, 16);
  }

  /** An envelope from alice to bob; `more` changes members, `change` single steps (see reference/envelope.mjs). */
  make(name, more = {}, change = {}) {
    return this.makeAs(this.version, name, more, change);
  }

  /** The same in another version. */
  makeAs(version, name, more = {}, change = {}) {
    const { sealed, prefix } = this;
    const message = {
      ...{ version, sender: alices[version], recipient: bob, timestamp: NOW },
      ...{ nonce: this.nonceOf(name), scope: 'orders:read', content: HELLO },
      ...more,
    };
    // One set per case, so that no nonce comes twice.
    const random = {
      ephemeralSecret: fixed(`${prefix} ${name} ephemeral`),
      kemCoins: fixed(`${prefix} ${name} kem`),
      mlDsaRandom: fixed(`${prefix} ${name} ml-dsa`),
    };
    return { ...(sealed ? seal : signOnly)(message, random, change), message, random };
  }

  /** A case that is accepted; `withSteps`: with every value on the way. */
  accept(name, made, settings = {}, { reproducible = true, withSteps = false, scopes } = {}) {
    const { message, random, members, label, headerBytes, transcript, steps, text } = made;
    const { version, sealed } = this;
    const { contentType = 'application/json', headers = message.kind === 'request' ? [] : undefined } =
      message;
    const one = {
      name: `${this.prefix}: ${name}`,
      ...nonEmpty(settings),
      senderSeed: message.sender.seed,
      reproducible,
      randomness: {
        nonce: message.nonce,
        ephemeralSecret: sealed ? random.ephemeralSecret : undefined,
        kemCoins: sealed && version >= 2 ? random.kemCoins : undefined,
        mlDsaRandom: version >= 3 ? random.mlDsaRandom : undefined,
      },
      content: message.content,
      ...(sealed ? { contentType, headers } : {}),
      steps: withSteps
        ? {
            label,
            headerTranscript: headerBytes,
            ...steps,
            payload: members.payload,
            signatureTranscript: transcript,
            signature: members.signature,
          }
        : undefined,
      envelope: text,
      message: messageOf(made, sealed, scopes),
    };
    this.good.push(one);
    return one;
  }

  /** A good case in another spelling, or after something else happened. */
  variant(base, name, text, settings = {}) {
    const { message } = base;
    this.good.push({
      name: `${this.prefix}: ${name}`,
      ...nonEmpty({ ...base.settings, ...settings }),
      ...editOf(base, text),
      message,
    });
  }

  /** A case that is refused and an edit of a good one, whose settings it has. */
  refuseEdit(name, text, error, settings = {}, base = this.minimal) {
    this.bad.push({
      name: `${this.prefix}: ${name}`,
      ...editOf(base, text),
      ...nonEmpty({ ...base.settings, ...settings }),
      error,
    });
  }

  /** A case that is refused and stands for itself. */
  refuseText(name, envelope, error, settings = {}) {
    this.bad.push({ name: `${this.prefix}: ${name}`, envelope, ...nonEmpty(settings), error });
  }

  /** A case that is refused although alice is the author and signed what she made. */
  refuse(name, error, more = {}, change = {}, settings = {}) {
    this.refuseText(name, this.make(name, more, change).text, error, settings);
  }
}

/** What the receiver gets (10.4). */
function messageOf({ message, members }, sealed, scopes = [message.scope]) {
  const { content, headers = [], kind = 'message' } = message;
  const frameType = content === undefined ? undefined : 'application/json';
  const contentType = message.contentType ?? frameType;
  return {
    kind,
    sender: message.sender.did,
    ...(content === undefined ? {} : payloadOf(sealed ? contentType : frameType, content)),
    scope: message.scope,
    scopes: kind === 'request' ? scopes : undefined,
    headers: sealed && kind === 'request' ? headers : undefined,
    version: message.version,
    encrypted: sealed,
    timestamp: message.timestamp,
    envelopeId: b64u(message.nonce),
    request: message.request,
    fields: message.fields,
    fieldsDigest: message.fieldsDigest && b64u(members.fieldsDigest),
    contentDigest: message.contentDigest && b64u(members.contentDigest),
    contentType: contentType || undefined,
    inReplyTo: message.inReplyTo && b64u(members.inReplyTo),
  };
}

const JSON_TYPE = /^application\/([a-z0-9_.+-]+\+)?json[ \t]*(;|$)/i;

/** The value of content that is JSON, else its bytes. */
export function payloadOf(contentType, content) {
  if (JSON_TYPE.test(contentType)) {
    try {
      return {
        payload: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)),
      };
    } catch {
      // only in a request, where it is not an error
    }
  }
  return { bytes: b64u(content) };
}
