// Frames in another order, changed, missing, or of another answer.
import { TYPE } from '../reference/answer.mjs';

const DECRYPTION = 'DECRYPT_FAILED:DECRYPTION';
const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
const PQ_MISMATCH = 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';
const BROKEN_OFF = { error: 'ANSWER_INVALID:BROKEN_OFF' };

/** `several` has the frames head, chunks 1 to 3 and final chunk 4 with 6, 5, 9, 3 bytes, end 5; `another` has the same lengths. */
export function streamFaults(book, { several, another, two }) {
  const refuse = (name, frames, facts) =>
    book.refuseFrames(
      name,
      several,
      frames.map((one) => (typeof one === 'number' ? { frame: one } : one)),
      facts,
    );
  const from = (frame) => ({ frame, of: another.name });
  const closed = { cause: DECRYPTION };

  refuse('chunks swapped', [0, 1, 3, 2, 4, 5], { ...closed, handedOver: 6 });
  refuse('first chunk swapped with the second', [0, 2, 1, 3, 4, 5], { cause: MISMATCH });
  refuse('a chunk repeated', [0, 1, 2, 2, 3, 4, 5], { ...closed, handedOver: 11 });
  refuse('first chunk repeated', [0, 1, 1, 2, 3, 4, 5], { ...closed, handedOver: 6 });
  refuse('a chunk dropped', [0, 1, 3, 4, 5], { ...closed, handedOver: 6 });
  refuse('first chunk dropped', [0, 2, 3, 4, 5], { cause: MISMATCH });
  refuse('final chunk dropped', [0, 1, 2, 3, 5], { handedOver: 20 });
  refuse('a chunk said to be the final one', [0, 1, { frame: 2, type: TYPE.finalChunk }, 5], {
    ...closed,
    handedOver: 6,
  });
  refuse('first chunk said to be the final one', [0, { frame: 1, type: TYPE.finalChunk }], closed);
  refuse('final chunk said to be another', [0, 1, 2, 3, { frame: 4, type: TYPE.chunk }, 5], {
    ...closed,
    handedOver: 20,
  });
  refuse('a chunk behind the final one', [0, 1, 2, 3, 4, 4, 5], { handedOver: 20 });
  for (const [place, frame, handedOver] of [
    ['second', 2, 6],
    ['final', 4, 20],
  ]) {
    const others = several.made.map((_, at) => at);
    const put = (one) => others.map((at) => (at === frame ? one : at));
    refuse(`first bit of the ${place} chunk flipped`, put({ frame, flip: 0 }), { ...closed, handedOver });
    refuse(`last bit of the ${place} chunk flipped`, put({ frame, flip: -1 }), { ...closed, handedOver });
    refuse(`${place} chunk a byte short`, put({ frame, cut: 1 }), { ...closed, handedOver });
    refuse(`${place} chunk less than a tag`, put({ frame, keep: 15 }), { ...closed, handedOver });
    refuse(`${place} chunk without a byte`, put({ frame, keep: 0 }), { ...closed, handedOver });
    refuse(`${place} chunk of another answer`, put(from(frame)), { ...closed, handedOver });
  }
  refuse('first bit of the commitment flipped', [0, { frame: 1, flip: 0 }, 2, 3, 4, 5], { cause: MISMATCH });
  refuse('one bit of the first chunk flipped', [0, { frame: 1, flip: 32 }, 2, 3, 4, 5], { cause: MISMATCH });
  refuse('first chunk of another answer', [0, from(1), 2, 3, 4, 5], { cause: MISMATCH });
  refuse('head of another answer', [from(0), 1, 2, 3, 4, 5], { cause: MISMATCH });
  refuse('all chunks and the end of another answer', [0, 1, from(2), from(3), from(4), from(5)], {
    ...closed,
    handedOver: 6,
  });

  refuse('nothing at all', [], BROKEN_OFF);
  refuse('cut behind the head', [0], BROKEN_OFF);
  refuse('cut behind the first chunk', [0, 1], { ...BROKEN_OFF, handedOver: 6 });
  refuse('cut behind the second chunk', [0, 1, 2], { ...BROKEN_OFF, handedOver: 11 });
  refuse('cut behind the last chunk but one', [0, 1, 2, 3], { ...BROKEN_OFF, handedOver: 20 });
  refuse('end missing', [0, 1, 2, 3, 4], { ...BROKEN_OFF, handedOver: 20 });
  refuse('cut within the head', [{ frame: 0, short: 1 }], BROKEN_OFF);
  refuse('cut within the length of the head', [{ frame: 0, leave: 4 }], BROKEN_OFF);
  refuse('cut within the first chunk', [0, { frame: 1, short: 1 }], BROKEN_OFF);
  refuse('cut within the second chunk', [0, 1, { frame: 2, short: 1 }], { ...BROKEN_OFF, handedOver: 6 });
  refuse('cut within the length of the final chunk', [0, 1, 2, 3, { frame: 4, leave: 3 }], {
    ...BROKEN_OFF,
    handedOver: 20,
  });
  refuse('cut within the end', [0, 1, 2, 3, 4, { frame: 5, short: 1 }], { ...BROKEN_OFF, handedOver: 20 });

  const ended = (name, end, facts) => refuse(name, [0, 1, 2, 3, 4, ...end], { ...facts, handedOver: 20 });
  ended('end of another answer', [from(5)], { cause: MISMATCH });
  ended('first bit of the end flipped', [{ frame: 5, flip: 0 }], { cause: MISMATCH });
  const cause = book.version < 3 ? MISMATCH : PQ_MISMATCH;
  ended('last bit of the end flipped', [{ frame: 5, flip: -1 }], { cause });
  ended('end a byte short', [{ frame: 5, cut: 1 }], { cause });
  if (book.version < 3) ended('end a byte long', [{ frame: 5, append: 1 }], { cause });
  else ended('end a byte long', [{ frame: 5, append: 1 }], {});
  ended('end without a byte', [{ frame: 5, keep: 0 }], { cause: MISMATCH });
  if (book.version === 3) ended('end without its ML-DSA signature', [{ frame: 5, keep: 64 }], { cause });
  ended('end twice', [5, 5], {});
  ended('a chunk behind the end', [5, 4], {});
  ended('a byte behind the end', [5, { raw: '00' }], {});
  ended('five bytes behind the end', [5, { raw: '0100000000' }], {});
  ended('the head of an answer behind the end', [5, 0], {});
  refuse('end before the final chunk', [0, 1, 2, 3, 5, 4], { handedOver: 20 });
  refuse('end in the place of the head', [5, 1, 2, 3, 4, 5], {});
  refuse('end in the place of the first chunk', [0, 5, 1, 2, 3, 4], {});
  refuse('head missing', [1, 2, 3, 4, 5], {});
  refuse('head twice', [0, 0, 1, 2, 3, 4, 5], {});
  refuse('head in the place of a chunk', [0, 1, 0, 2, 3, 4, 5], { handedOver: 6 });
  for (const type of [0, 5, 255])
    refuse(`a frame of type ${type}`, [0, 1, { frame: 2, type }, 3, 4, 5], { handedOver: 6 });
  refuse('a byte in front of the head', [{ raw: '00' }, 0, 1, 2, 3, 4, 5], {});
  refuse('a chunk said to be longer than any', [0, 1, { raw: '0200020031' }, 2, 3, 4, 5], { handedOver: 6 });
  refuse('an end said to be longer than any', [0, 1, 2, 3, 4, { raw: '0400000d2e' }], { handedOver: 20 });
  refuse('a head said to be longer than any', [{ raw: '0100008001' }, 0, 1, 2, 3, 4, 5], {});

  const short = (name, frames, facts) => book.refuseFrames(name, two, frames, facts);
  short('two chunks: the empty final one missing', [{ frame: 0 }, { frame: 1 }], {
    ...BROKEN_OFF,
    handedOver: 8,
  });
  short(
    'two chunks: the end of an answer in four',
    [{ frame: 0 }, { frame: 1 }, { frame: 2 }, { frame: 5, of: several.name }],
    {
      cause: MISMATCH,
      handedOver: 8,
    },
  );
  const whole = { version: book.version, service: two.service, name: `${book.prefix}: whole in one chunk` };
  const one = (name, frames, facts) => book.refuseFrames(name, whole, frames, facts);
  one('one chunk: said not to be the final one', [{ frame: 0 }, { frame: 1, type: TYPE.chunk }], {
    cause: DECRYPTION,
  });
  one('one chunk: an end behind it', [{ frame: 0 }, { frame: 1 }, { frame: 5, of: several.name }], {});
  one('one chunk: a byte behind it', [{ frame: 0 }, { frame: 1 }, { raw: '00' }], {});
}
