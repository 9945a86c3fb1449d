// Answers that are accepted.
import { b64u } from '../reference/notation.mjs';
import { fixed, NOW } from '../world.mjs';

const CHUNK = 65_536;

/** In every version. Those in several chunks are returned: others are made of their frames. */
export function goodAnswers(book) {
  book.accept('whole in one chunk', [17], {}, { withSteps: true });
  book.accept('empty: 204', [0], { status: 204, contentType: '', headers: [] }, { withSteps: true });
  const several = book.accept('in several chunks', [6, 5, 9, 3], {}, { withSteps: true });
  const another = book.accept('in several chunks, another answer', [6, 5, 9, 3]);
  const two = book.accept('in two chunks, the final one empty', [8, 0]);
  book.accept('exactly 65,536 bytes', [CHUNK]);
  book.accept('65,537 bytes', [CHUNK, 1]);
  return { several, another, two };
}

export function goodOnce(book) {
  const about = (name, more, facts) => book.accept(name, [5], more, facts);
  for (const status of [200, 205, 304, 599]) about(`status ${status}`, { status });
  about('without a type', { contentType: '' });
  about('JSON by its type, and none', { contentType: 'application/json' });
  about('type with tab and beyond ASCII', { contentType: 'text/plain;\tname="é"' });
  about('without headers', { headers: [] });
  const coded = { headers: [['content-encoding', 'snail']] };
  about('status 304, with a coding that nobody knows', { ...coded, status: 304 });
  book.accept('a coding that nobody knows, of nothing', [0], coded);
  about('headers: a tab, beyond ASCII, no value', {
    headers: [
      ['x-note', 'a\tb'],
      ['x-city', 'Zürich'],
      ['x-empty', ''],
    ],
  });
  about('headers: names with all characters', {
    headers: [
      ["!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", 'x'],
      ['a'.repeat(256), 'x'],
    ],
  });
  about('under the scope *', { scope: '*' });
  about('at the old edge of the window', { timestamp: NOW - 30000 });
  about('at the new edge of the window', { timestamp: NOW + 30000 });
  const name = 'after it came in answer to another request';
  const inReplyTo = b64u(fixed('another request', 16));
  about(name, {}, { settings: { before: { of: `${book.prefix}: ${name}`, inReplyTo } } });
  about('a head of 32,768 bytes, with white space', {}, { spaces: 32_768 });
  book.accept('first chunk without content', [0, 4, 4]);
  book.accept('all chunks without content', [0, 0, 0]);
  const others = [4 + 56, 4, 4 + 4 + 'x-big'.length + 4, 4 + 8]; // sender, type, headers, status
  const value = 'x'.repeat(CHUNK - others.reduce((sum, part) => sum + part));
  book.accept('the longest frame, and the longest first chunk', [CHUNK, 2], {
    contentType: '',
    headers: [['x-big', value]],
  });
}
