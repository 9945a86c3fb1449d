import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { isContentType, isHeaderNames, isRequest } from '../../src/envelope/fields.js';
import { fieldsTranscript, type Header } from '../../src/envelope/plaintext.js';
import { coveredFields } from '../../src/http/covered-fields.js';
import { checkRequestBinding, contentTypeBinding, requestBinding } from '../../src/http/request-binding.js';
import { load, outcome } from '../vectors/load.js';
import type { Hex } from '../vectors/replay.mjs';

describe('request-binding.json', () => {
  const file = load<{
    canonical: { method: string; target: string; request: string }[];
    checks: { name: string; signed?: string; actual: string; required: boolean; error?: string }[];
    contentTypes: { header: string; contentType: string }[];
    headers: { name: string; headers: Header[]; fields: string; fieldsDigest?: Hex }[];
  }>('request-binding.json');

  test('canonical texts', () => {
    expect(file.canonical.length).toBeGreaterThanOrEqual(22);
    for (const { method, target, request } of file.canonical) {
      expect(requestBinding(method, target)).toBe(request);
      expect([request, isRequest(request)]).toEqual([request, true]);
    }
  });

  test('comparison', async () => {
    expect(file.checks.length).toBeGreaterThanOrEqual(13);
    for (const { name, signed, actual, required, error } of file.checks) {
      const id = await outcome(() => checkRequestBinding(signed, actual, required));
      expect([name, id]).toEqual([name, error ?? 'ok']);
    }
  });

  test('content types', () => {
    expect(file.contentTypes.length).toBeGreaterThanOrEqual(6);
    for (const { header, contentType } of file.contentTypes) {
      expect(contentTypeBinding(header)).toBe(contentType);
      expect([contentType, isContentType(contentType)]).toEqual([contentType, true]);
    }
  });

  test('headers that are covered, and the digest over them', () => {
    expect(file.headers.length).toBeGreaterThanOrEqual(5);
    for (const { name, headers, fields, fieldsDigest } of file.headers) {
      const covered = coveredFields(headers);
      expect([name, covered.map(([each]) => each).join(' ')]).toEqual([name, fields]);
      if (fieldsDigest === undefined) continue;
      expect(isHeaderNames(fields)).toBe(true);
      const digest = createHash('sha256').update(fieldsTranscript(covered)).digest('hex');
      expect([name, digest]).toEqual([name, fieldsDigest]);
    }
  });
});
