import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { problemTypeOf } from '../../src/errors/docs-url.js';
import * as errors from '../../src/errors/service-errors.js';
import { isXlinkError, toXlinkError, XlinkError, xlinkError } from '../../src/errors/service-errors.js';
import { ERROR_TABLE, type ErrorCategory, type ErrorId, type ErrorRow } from '../../src/errors/table.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ROWS = Object.entries(ERROR_TABLE) as [ErrorId, ErrorRow][];
const IDS = ROWS.map(([id]) => id);

const CLASSES: Record<ErrorCategory, new (id: ErrorId) => XlinkError> = {
  identity: errors.XlinkIdentityError,
  envelope: errors.XlinkEnvelopeError,
  transport: errors.XlinkTransportError,
  registry: errors.XlinkRegistryError,
  'key-agreement': errors.XlinkKeyAgreementError,
  'split-channel': errors.XlinkSplitChannelError,
  agent: errors.XlinkAgentError,
  adapter: errors.XlinkAdapterError,
  client: errors.XlinkClientError,
};

describe('an error', () => {
  test.each(ROWS)('%s has what its row says, in the class of its category', (id, row) => {
    const error = xlinkError(id);
    const [code, subCode] = id.split(':');
    expect(error).toBeInstanceOf(CLASSES[row.category]);
    expect(error).toBeInstanceOf(XlinkError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(CLASSES[row.category].name);
    expect({ ...error }).toMatchObject({
      id,
      code,
      category: row.category,
      status: row.status,
      hint: row.hint,
    });
    expect(error.subCode).toBe(subCode);
    expect(error.title).toBe(row.message);
    expect(error.message).toBe(`${row.message} ${row.hint}`);
    expect(error.docUrl.split('#')[1]).toBe(row.category);
    expect(String(error)).toBe(`${error.name}: ${row.message} ${row.hint}`);
  });

  test('keeps its cause as it was given, whatever it is', () => {
    for (const cause of [new Error('below'), 'text', 0, null, undefined, { a: 1 }]) {
      const error = xlinkError('INTERNAL', { cause });
      expect(Object.hasOwn(error, 'cause')).toBe(true);
      expect(error.cause).toBe(cause);
    }
    expect(Object.hasOwn(xlinkError('INTERNAL'), 'cause')).toBe(false);
  });

  test('written as JSON says what the table says, without cause and stack', () => {
    const error = xlinkError('DECRYPT_FAILED:PARSE', {
      field: 'payload',
      cause: new Error('the secret was 42'),
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'DECRYPT_FAILED',
      subCode: 'PARSE',
      message: ERROR_TABLE['DECRYPT_FAILED:PARSE'].message,
      hint: ERROR_TABLE['DECRYPT_FAILED:PARSE'].hint,
      field: 'payload',
      docs: error.docUrl,
    });
    expect(error.details).toEqual(error.toJSON());
    expect(JSON.stringify(error)).not.toContain('42');
  });

  test('leaves out of its JSON what it does not have', () => {
    expect(Object.keys(xlinkError('REPLAY_DETECTED').toJSON())).toEqual(['code', 'message', 'hint', 'docs']);
  });

  test('about one option says in its message which one and what to do', () => {
    const error = xlinkError('INVALID_OPTION', { hint: 'Agent: name is required.', field: 'name' });
    expect([error.hint, error.field]).toEqual(['Agent: name is required.', 'name']);
    expect(error.message).toBe('Agent: name is required.');
    expect(error.title).toBe(ERROR_TABLE.INVALID_OPTION.message);
  });

  test('may have a hint of its own, which stands behind what is wrong', () => {
    const error = xlinkError('SCOPE_DENIED', { hint: 'The route wants the scope orders:write.' });
    expect(error.message).toBe(`${ERROR_TABLE.SCOPE_DENIED.message} The route wants the scope orders:write.`);
    expect(error.title).toBe(ERROR_TABLE.SCOPE_DENIED.message);
  });

  test('that a constructor throws says by itself which option was meant', () => {
    const make = () => new MemoryNonceStore({ maxEntrys: 5 } as never);
    expect(make).toThrow('MemoryNonceStore: there is no option maxEntrys; did you mean maxEntries?');
  });

  test('shows its id when it is printed', () => {
    expect(inspect(xlinkError('SCOPE_DENIED'))).toContain("id: 'SCOPE_DENIED'");
  });
});

describe('toXlinkError', () => {
  test.each([
    ['REPLAY_DETECTED', 'REPLAY_DETECTED'],
    ['DECRYPT_FAILED:PARSE', 'DECRYPT_FAILED:PARSE'],
    ['NONCE_REPLAY_DETECTED', 'REPLAY_DETECTED'],
    ['ENVELOPE_DECRYPTION_FAILED', 'DECRYPT_FAILED:DECRYPTION'],
    ['DECRYPT_FAILED', 'DECRYPT_FAILED:DECRYPTION'],
    ['VERIFICATION_FAILED', 'VERIFICATION_FAILED:SIGNATURE_MISMATCH'],
    ['DID_NOT_IN_REGISTRY', 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY'],
    ['ECDH_FAILED', 'DECRYPT_FAILED:KEY_AGREEMENT'],
    ['KEYGEN_FAILED', 'IDENTITY_FAILED'],
  ])('takes the text %s for %s', (text, id) => {
    const error = toXlinkError(text);
    expect(error.id).toBe(id);
    expect(error).toBeInstanceOf(CLASSES[ERROR_TABLE[id as ErrorId].category]);
  });

  test('takes every id for itself', () => {
    expect(IDS.map((id) => toXlinkError(id).id)).toEqual(IDS);
  });

  test('leaves an error of the package as it is', () => {
    const error = xlinkError('SCOPE_DENIED');
    expect(toXlinkError(error)).toBe(error);
    expect(isXlinkError(error)).toBe(true);
  });

  test.each([
    ['an error from elsewhere', new TypeError('x')],
    ['another text', 'whatever'],
    ['the name of an object member', 'constructor'],
    ['__proto__', '__proto__'],
    ['undefined', undefined],
    ['null', null],
    ['an object that looks like one', { id: 'SCOPE_DENIED', code: 'SCOPE_DENIED' }],
  ])('makes INTERNAL of %s and keeps it as cause', (_, value) => {
    const error = toXlinkError(value);
    expect(error.id).toBe('INTERNAL');
    expect(error.cause).toBe(value);
    expect(isXlinkError(value)).toBe(false);
  });
});

describe('the error table', () => {
  test('has ids of one form, statuses that HTTP knows, and texts without blanks', () => {
    for (const [id, { status, message, hint }] of ROWS) {
      expect(id).toMatch(/^[A-Z][A-Z0-9_]+(:[A-Z][A-Z0-9_]+)?$/);
      expect([400, 401, 403, 404, 408, 409, 413, 415, 428, 429, 500, 502, 503, 504]).toContain(status);
      expect(message).toMatch(/^[A-Za-z].*\.$/);
      expect(hint.trim()).toBe(hint);
      expect(hint).toMatch(/[.…]$/);
    }
  });

  test('has aliases that are neither ids nor given twice', () => {
    const aliases = ROWS.flatMap(([, { aliases = [] }]) => aliases);
    expect(aliases.filter((alias) => Object.hasOwn(ERROR_TABLE, alias))).toEqual([]);
    expect(new Set(aliases).size).toBe(aliases.length);
  });
});

describe('the sources', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/^errors\/(table|(caller|service)-rows)\.ts$/.test(name))
    .map((name) => readFileSync(join(root, 'src', name), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''));
  const literals = new Set(
    files.flatMap((text) =>
      [...text.matchAll(/'([A-Z][A-Z0-9_]+(?::[A-Z][A-Z0-9_]+)?)'/g)].map(([, id]) => id!),
    ),
  );
  /** Texts in the arguments of a call that makes an error. */
  const raised = files.flatMap((text) =>
    [...text.matchAll(/\bxlinkError\(([^;]*?)(?:[,;)]|$)/g)].flatMap(([, argument]) =>
      [...argument!.matchAll(/'([^']+)'/g)].map(([, id]) => id!),
    ),
  );

  test('raise every id of the table that is not reserved', () => {
    const unused = ROWS.filter(([id, row]) => !row.reserved && !literals.has(id)).map(([id]) => id);
    expect(unused).toEqual([]);
  });

  test('raise no id that is reserved', () => {
    expect(ROWS.filter(([id, row]) => row.reserved && literals.has(id)).map(([id]) => id)).toEqual([]);
  });

  test('raise no id that is not in the table', () => {
    expect(raised.length).toBeGreaterThan(50);
    const unknown = raised.filter((id) => /^[A-Z]/.test(id) && !Object.hasOwn(ERROR_TABLE, id));
    expect(unknown).toEqual([]);
  });

  test('name no sub-code of a code in the table that the table does not have', () => {
    const codes = new Set(IDS.map((id) => id.split(':')[0]!));
    const unknown = [...literals].filter(
      (text) => codes.has(text.split(':')[0]!) && !Object.hasOwn(ERROR_TABLE, text),
    );
    expect(unknown).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');

  test('lists every id with its status, class, message and hint, under the heading that docUrl points to', () => {
    const listed = page
      .split(/^## /m)
      .slice(1)
      .flatMap((section) => {
        const category = section.slice(0, section.indexOf('\n'));
        return [
          ...section.matchAll(
            /^\| <a id="[^"]+"><\/a>`([^`]+)` \| (\d{3}) \| `(\w+)` \| (.+?) \| (.+) \|$/gm,
          ),
        ].map(([, id, status, name, message, hint]) => ({ category, id, status, name, message, hint }));
      });
    expect(listed.map(({ id }) => id).sort()).toEqual([...IDS].sort());
    for (const { category, id, status, name, message, hint } of listed) {
      const error = xlinkError(id as ErrorId);
      expect({ category, status: Number(status), name, message }).toEqual({
        category: error.docUrl.split('#')[1],
        status: error.status,
        name: error.name,
        message: error.title,
      });
      expect(hint).toContain(error.hint);
    }
  });

  test.each(IDS)('[E10] the links of %s lead to anchors that exist', (id) => {
    const published = 'https://xail.io/docs/packages/xlink';
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const anchors = (text: string) => [...text.matchAll(/<a id="([^"]+)">/g)].map(([, anchor]) => anchor);
    const [typePage, typeAnchor] = problemTypeOf(id).split('#');
    expect(typePage).toBe(`${published}/errors`);
    expect(anchors(page).filter((anchor) => anchor === typeAnchor)).toEqual([id]);
    const { docUrl, details } = xlinkError(id);
    const [docPage, docAnchor] = docUrl.split('#');
    expect(docPage).toBe(published);
    expect(anchors(readme).filter((anchor) => anchor === docAnchor)).toEqual([docAnchor]);
    expect(readme).toContain(`(docs/errors.md#${docAnchor})`);
    expect(page).toContain(`\n## ${docAnchor}\n`);
    expect(details.docs).toBe(docUrl);
  });

  test('has one heading per category', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([...new Set(ROWS.map(([, { category }]) => category))]);
  });
});
