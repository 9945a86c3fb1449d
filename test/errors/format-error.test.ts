import { expect, test } from '@jest/globals';
import { xlinkError } from '../../src/errors/errors.js';
import { formatErrorStructured } from '../../src/errors/format-error.js';

test('an error in one line, in several, as JSON and as Markdown', () => {
  const error = xlinkError('REPLAY_DETECTED', { field: 'nonce', cause: new Error('secret') });
  expect(formatErrorStructured(error)).toEqual({
    code: 'REPLAY_DETECTED',
    message: 'This envelope was received before.',
    hint: 'Make a new one for a retry.',
    field: 'nonce',
    docs: error.docUrl,
    formats: {
      singleline:
        'REPLAY_DETECTED | This envelope was received before. | Make a new one for a retry. | field nonce',
      multiline: [
        'Error: REPLAY_DETECTED',
        'What is wrong: This envelope was received before.',
        'What to do: Make a new one for a retry.',
        'Field: nonce',
        `Docs: ${error.docUrl}`,
      ].join('\n'),
      json: JSON.stringify(error),
      markdown: [
        '**Error:** REPLAY_DETECTED',
        '**What is wrong:** This envelope was received before.',
        '**What to do:** Make a new one for a retry.',
        '**Field:** nonce',
        `**Docs:** ${error.docUrl}`,
      ].join('\n'),
    },
  });
});

test('whatever else was thrown is an INTERNAL, and a text is taken for a code', () => {
  const { formats, code } = formatErrorStructured(new Error('password=hunter2'));
  expect(code).toBe('INTERNAL');
  expect(Object.values(formats).join('\n')).not.toContain('hunter2');
  expect(formatErrorStructured('DECRYPT_FAILED:PARSE')).toMatchObject({
    code: 'DECRYPT_FAILED',
    subCode: 'PARSE',
  });
});
