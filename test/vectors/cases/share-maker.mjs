// Makes messages in shares (docs/PROTOCOL.md, section 16).
import { seal } from '../reference/envelope.mjs';
import { b64u } from '../reference/notation.mjs';
import { bundleOf, signXchange, split, xchangeCiphertext } from '../reference/shares.mjs';
import { alices, bob, fixed, NOW } from '../world.mjs';
import { HELLO, payloadOf } from './book.mjs';

/**
 * A message from alice to bob. `more`: members, and `totalShares`, `threshold`, `routes` (which indexes travel together);
 * `change`: what is wrong with it (see reference/).
 */
export function make(name, more = {}, change = {}) {
  const { totalShares: n = 3, threshold: k = 2, xchange = false, version = 2, ...members } = more;
  const { routes = Array.from({ length: n }, (_, i) => [i]), content = HELLO, ...rest } = members;
  const label = (what) => `shares ${change.as ?? name} ${what}`;
  const message = {
    ...{ version, sender: alices[version], recipient: bob, timestamp: NOW, scope: 'orders:read', content },
    ...rest,
  };
  const contentKey = xchange ? (change.contentKey ?? fixed(label('content key'))) : undefined;
  const groupId = fixed(label('group'), 16);
  const sharing = split(contentKey ?? content, {
    ...{ n, k, groupId, tagKey: fixed(label('tag key')) },
    random: (at, length) => fixed(label(`piece ${at}`), length),
  });
  const altered = change.sharing?.(sharing) ?? sharing;
  const bundles = routes.map((route, at) => change.bundle?.(altered, route, at) || bundleOf(altered, route));
  const common = xchange ? xchangeCiphertext(message, groupId, contentKey, change) : undefined;
  const randomness = routes.map((_, at) => ({
    nonce: fixed(label(`nonce ${change.nonces ?? ''}${at}`), 16),
    ...(xchange ? {} : { ephemeralSecret: fixed(label(`ephemeral ${at}`)) }),
    ...(!xchange && version >= 2 ? { kemCoins: fixed(label(`kem ${at}`)) } : {}),
    ...(version >= 3 ? { mlDsaRandom: fixed(label(`ml-dsa ${at}`)) } : {}),
  }));
  const made = bundles.map((bundle, at) => {
    const draft = { ...message, nonce: randomness[at].nonce, ...change.member?.(at) };
    if (!common) return seal({ ...draft, form: change.form ?? 'shares', content: bundle }, randomness[at]);
    return signXchange(draft, bundle, change.ciphertext?.(common.ciphertext, at) ?? common.ciphertext);
  });
  return { name, message, xchange, routes, sharing, bundles, common, contentKey, randomness, made };
}

export const texts = ({ made }) => made.map(({ text }) => text);

export const flipAt = (index) => (bytes) => bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));
/** Behind the key of the tags, in what is shared. */
export const flip = flipAt(40);

const toHex = (bytes) => Buffer.from(bytes).toString('hex');

/** A case that is accepted. `order`: which envelope arrives when. */
export function describeGood(made, results, order = made.routes.map((_, at) => at)) {
  const { name, message, xchange, routes, sharing, bundles, common, contentKey, randomness } = made;
  const { n, k, fresh, groupId, secret, pieces } = sharing;
  const { contentType = 'application/json' } = message;
  const all = texts(made);
  return {
    ...{ name, senderSeed: message.sender.seed, version: message.version, xchange },
    ...{ content: message.content, contentType, totalShares: n, threshold: k },
    routes: routes.map(String),
    randomness: fresh && {
      ...{ groupId, tagKey: secret.slice(0, 32), pieces: fresh.map(toHex), contentKey },
      envelopes: randomness,
    },
    steps: {
      ...{ secret, allPieces: pieces.map(toHex), bundles: bundles.map(toHex) },
      groupTranscript: common?.group,
      ciphertext: common?.ciphertext,
    },
    made: fresh && all,
    envelopes: results.map((_, at) => all[order[at]]),
    results,
    message: messageOf(made, contentType),
  };
}

function messageOf({ message, xchange, sharing: { groupId, n, k } }, contentType) {
  return {
    kind: 'message',
    sender: message.sender.did,
    ...payloadOf(contentType, message.content),
    scope: message.scope,
    version: xchange ? 2 : message.version,
    encrypted: true,
    timestamp: message.timestamp,
    envelopeId: b64u(groupId),
    contentType: contentType || undefined,
    inReplyTo: message.inReplyTo && b64u(message.inReplyTo),
    shares: { total: n, threshold: k },
    xchange: xchange || undefined,
  };
}

/** For cases whose envelopes are not what a sender makes. */
export const withoutMaking = { made: undefined, randomness: undefined, steps: undefined };
