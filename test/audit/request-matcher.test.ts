import { describe, expect, test } from '@jest/globals';
import { requestMatcher } from '@private.me/xlink/audit';

const isDeed = requestMatcher('DELETE /items/1847');

describe('the question for a request', () => {
  test.each([
    'DELETE /items/1847',
    'DELETE /items/%31847',
    'DELETE /%69tems/1847',
    'DELETE /ITEMS/1847',
    'DELETE /items/1847/',
    'DELETE /items//1847',
    'DELETE /items/./1847',
    'DELETE /other/../items/1847',
    'DELETE /items/1847;v=1',
    'DELETE /items\\1847',
    'DELETE /items/1847?why=old',
    'DELETE https://api.example/items/1847',
    'delete /items/1847',
    'POST /items/1847?_method=DELETE',
  ])('finds %s', (request) => expect(isDeed({ request })).toBe(true));

  test.each(['GET /items/1847', 'DELETE /items/18470', 'DELETE /items', 'DELETE /items/1847/parts', 'x', ''])(
    'and not %s',
    (request) => expect(isDeed({ request })).toBe(false),
  );

  test('finds a method override, and asks for parameters, for any method', () => {
    expect(isDeed({ request: 'POST /items/1847', overrides: ['DELETE'] })).toBe(true);
    expect(isDeed({})).toBe(false);
    const envelope = { request: 'DELETE /items/1847' } as never;
    expect(isDeed({ envelope })).toBe(true); // an entry that leaves out what its envelope says
    const byQuery = requestMatcher('GET /a?x=1');
    expect(byQuery({ request: 'HEAD /a?y=2&x=%31' })).toBe(true);
    expect(byQuery({ request: 'GET /a?x=2' })).toBe(false);
    expect(requestMatcher('/a')({ request: 'PATCH /A' })).toBe(true);
  });

  test.each(['', 'DELETE', 'DELETE items', 'DELETE /a b'])('%j is none', (text) =>
    expect(() => requestMatcher(text)).toThrow(expect.objectContaining({ id: 'INVALID_OPTION' })),
  );
});
