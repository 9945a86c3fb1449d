import { expect, test } from '@jest/globals';
import { ENVELOPE_TYPE } from '@private.me/xlink';
import { isJsonType } from '../../src/envelope/plaintext.js';
import { mediaTypeOf } from '../../src/http/media-type.js';

test('a media type is told whatever its case and parameters', () => {
  expect(mediaTypeOf('Application/XLink-Envelope ; charset=utf-8')).toBe(ENVELOPE_TYPE);
  expect([mediaTypeOf(null), mediaTypeOf(undefined), mediaTypeOf('')]).toEqual(['', '', '']);
  const json = ['application/json', 'APPLICATION/JSON;charset=utf-8', 'application/ld+json'];
  const other = ['text/json', 'application/jsonp', 'application/json, text/plain', 'x application/json', ''];
  expect([...json, ...other].filter(isJsonType)).toEqual(json);
});
