// The file of sealed answers (12.5): what a client gets, and what it makes of it.
import { signRecord } from '../reference/identity.mjs';
import { alices, carol, EPOCH, NOW, receiver } from '../world.mjs';
import { AnswerBook, asked } from './answer-book.mjs';
import { contentFaults, headFaults, signatureFaults } from './answer-faults.mjs';
import { goodAnswers, goodOnce } from './answer-good.mjs';
import { streamFaults } from './answer-stream.mjs';

const ABOUT =
  'Byte strings are hexadecimal, heads are JSON text as it travels. How to use this file: docs/PROTOCOL.md, section "Test vectors".';

function bookOf(version) {
  const book = new AnswerBook(version);
  const several = goodAnswers(book);
  streamFaults(book, several);
  signatureFaults(book);
  if (version > 1) return book;
  // The same in all versions.
  goodOnce(book);
  headFaults(book, several);
  contentFaults(book);
  return book;
}

export function answerFile() {
  const books = [1, 2, 3].map(bookOf);
  const { seed, did, maxVersion, timestampWindowMs } = receiver;
  return {
    about: ABOUT,
    now: NOW,
    receiver: { seed, did, maxVersion, timestampWindowMs },
    asked,
    services: [...Object.values(alices), carol].map((identity) => signRecord(identity, EPOCH).record),
    good: books.flatMap(({ good }) => good),
    bad: books.flatMap(({ bad }) => bad),
  };
}
