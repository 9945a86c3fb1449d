import { describe, expect, test } from '@jest/globals';
import { problemId, refusalIn } from '../../src/http/problem.js';

describe('the error in a problem document', () => {
  test.each([
    ['a code', { code: 'REPLAY_DETECTED' }, 'REPLAY_DETECTED'],
    [
      'a code without a sub-code, as other languages write it',
      { code: 'INTERNAL', subCode: null },
      'INTERNAL',
    ],
    ['a sub-code', { code: 'TIMESTAMP_EXPIRED', subCode: 'FUTURE' }, 'TIMESTAMP_EXPIRED:FUTURE'],
    ['a code of a later version', { code: 'QUANTUM_TANGLED' }, undefined],
    ['a sub-code that is no text', { code: 'TIMESTAMP_EXPIRED', subCode: 7 }, undefined],
    ['a code that is no text', { code: 7 }, undefined],
    ['a name that every object has', { code: 'constructor' }, undefined],
    ['no object', null, undefined],
  ])('%s', (_, document, id) => {
    expect(refusalIn(JSON.stringify(document))?.id).toBe(id);
  });

  test('is not in what is no JSON', () => {
    expect(refusalIn('<h1>REPLAY_DETECTED</h1>')).toBeUndefined();
    expect(problemId({ code: 'QUANTUM_TANGLED', subCode: 'TWICE' })).toBe('QUANTUM_TANGLED:TWICE');
  });
});
