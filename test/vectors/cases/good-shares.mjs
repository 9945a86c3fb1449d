// Messages in shares that come through (docs/PROTOCOL.md, section 16).
import { EMPTY, utf8 } from '../reference/notation.mjs';
import { bundleOf } from '../reference/shares.mjs';
import { alice, fixed } from '../world.mjs';
import { describeGood, flip, flipAt, make, texts, withoutMaking } from './share-maker.mjs';

const PENDING = 'INSUFFICIENT_SHARES:PENDING';
const COMPLETE = 'REPLAY_DETECTED:GROUP_COMPLETE';
const two = [PENDING, 'message', COMPLETE];
const three = [PENDING, PENDING, 'message', COMPLETE, COMPLETE];
const fiveOf = { totalShares: 5, threshold: 3 };
const optional = { scope: 'orders:write', inReplyTo: fixed('an earlier message', 16) };

export function goodShares() {
  return [...shapes(), ...contents(), ...xchange(), ...spoiled()];
}

function shapes() {
  const overTwo = [
    [0, 2, 4],
    [1, 3],
  ];
  return [
    ...[1, 2, 3].map((version) => describeGood(make(`2 of 3, version ${version}`, { version }), two)),
    describeGood(make('2 of 3, the last two first'), two, [2, 1, 0]),
    describeGood(make('3 of 5, version 3', { ...fiveOf, version: 3 }), three, [4, 0, 2, 1, 3]),
    describeGood(make('all optional members', optional), two),
    describeGood(make('2 of 2', { totalShares: 2 }), [PENDING, 'message']),
    describeGood(make('5 of 5', { totalShares: 5, threshold: 5 }), [...Array(4).fill(PENDING), 'message']),
    describeGood(make('one channel', { routes: [[0, 1, 2]] }), ['message']),
    describeGood(make('two channels', { routes: [[0, 2], [1]] }), [PENDING, 'message'], [1, 0]),
    describeGood(
      make('3 of 5 over two channels', { ...fiveOf, routes: overTwo }),
      [PENDING, 'message'],
      [1, 0],
    ),
    describeGood(make('2 of 11', { totalShares: 11 }), [PENDING, 'message'], [10, 3]),
    describeGood(
      make('by polynomials, 3 of 7', { totalShares: 7, threshold: 3 }),
      three.slice(0, 3),
      [6, 0, 3],
    ),
    describeGood(make('by polynomials, 2 of 16', { totalShares: 16 }), two.slice(0, 2), [15, 7]),
  ];
}

function contents() {
  const text = { contentType: 'text/plain; charset=utf-8', content: utf8('grüße') };
  return [
    describeGood(make('payload null', { content: utf8('null') }), two),
    describeGood(make('content text', text), two),
    describeGood(make('content of no bytes, without a type', { contentType: '', content: EMPTY }), two),
    describeGood(make('Xchange, content text', { ...text, xchange: true }), two),
  ];
}

function xchange() {
  const x = { xchange: true };
  return [
    describeGood(make('Xchange, 2 of 3', x), two),
    describeGood(make('Xchange, 3 of 5', { ...fiveOf, ...x }), three, [3, 1, 4, 0, 2]),
    describeGood(make('Xchange, all optional members', { ...optional, ...x }), two),
    describeGood(make('Xchange, one channel', { ...x, routes: [[0, 1, 2]] }), ['message']),
    describeGood(make('Xchange, below the record of the sender', { ...x, sender: alice }), two),
  ];
}

/** Some of what arrives is bad, or comes another time. */
function spoiled() {
  const flipped = ({ pieces }) => ({ pieces: pieces.map(flip) });
  const altered = make(
    'one share altered',
    {},
    { bundle: (s, route, at) => at === 0 && bundleOf(s, route, flipped(s)) },
  );
  const zero = make(
    'by polynomials, one share at coordinate 0',
    { totalShares: 7, threshold: 3 },
    { bundle: (s, route, at) => at === 1 && bundleOf(s, route, { pieces: s.pieces.map(atCoordinate(0)) }) },
  );
  const copies = make('two shares with different copies of one piece', {}, otherCopy(0));
  const first = make('shares sealed anew under new nonces');
  const again = make('shares sealed anew under new nonces', {}, { nonces: 'second ' });
  const good = [
    describeGood(altered, [PENDING, PENDING, 'message']),
    describeGood(zero, [PENDING, PENDING, PENDING, 'message']),
    describeGood(copies, [PENDING, PENDING, 'message']),
    {
      ...describeGood(first, [PENDING, PENDING, 'message']),
      envelopes: [texts(first)[0], texts(again)[0], texts(again)[1]],
    },
  ];
  return good.map((one) => ({ ...one, ...withoutMaking }));
}

/** A piece by polynomials, said to be at another coordinate. */
export const atCoordinate = (coordinate) => (piece) => {
  const out = piece.slice();
  out[out.length - 1] = coordinate;
  return out;
};

/** Share 1 has another copy of piece 2 than share 0, and a tag that holds for it. */
export const otherCopy = (byte) => ({
  bundle(sharing, route, at) {
    if (at !== 1) return undefined;
    const pieces = sharing.pieces.map((piece, i) => (i === 2 ? flipAt(byte)(piece) : piece));
    const its = sharing.held(1).map((i) => pieces[i]);
    const shares = sharing.shares.map((share) =>
      share.i === 1 ? { i: 1, tag: sharing.tagOf(1, its) } : share,
    );
    return bundleOf(sharing, route, { pieces, shares });
  },
});
