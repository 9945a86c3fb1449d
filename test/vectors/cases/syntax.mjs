// What is not the JSON of 5.2.
import { toHex, utf8 } from '../reference/notation.mjs';
import { NOW } from '../world.mjs';

export function syntaxFaults(book) {
  const text = book.minimal.envelope;
  const syntax = {
    'empty object': '{}',
    'empty input': '',
    'a list': `[${text}]`,
    'a text': '"envelope"',
    'first half': text.slice(0, text.length >> 1),
    'closing brace missing': text.slice(0, -1),
    'opening brace missing': text.slice(1),
    'second object behind': `${text}{}`,
    'byte behind the closing brace': `${text}x`,
    'NUL behind the closing brace': `${text}\0`,
    'byte-order mark': `\ufeff${text}`,
    'trailing comma': `${text.slice(0, -1)},}`,
    'comma missing': text.replace(',"suite"', ' "suite"'),
    'colon missing': text.replace('"suite":', '"suite" '),
    'single quotes': text.replaceAll('"', "'"),
    'unquoted name': text.replace('"from"', 'from'),
    'escaped name': text.replace('"from"', '"\\u0066rom"'),
    'escaped value': text.replace('orders:read', 'orders\\u003aread'),
    'escaped solidus': text.replace('orders:read', 'orders\\/read'),
    'name beyond ASCII': text.replace('"scope"', '"sc\u043epe"'),
    'value beyond ASCII': text.replace('orders:read', 'orders:r\u0435ad'),
    'control character in a value': text.replace('orders:read', 'orders:\tread'),
    'form feed between tokens': text.replace(',"suite"', ',\f"suite"'),
    'no-break space between tokens': text.replace(',"suite"', ',\u00a0"suite"'),
    comment: text.replace(',"suite"', ',/**/"suite"'),
    'empty name': `{"":"x",${text.slice(1)}`,
    'name of 65 characters': `{"${'a'.repeat(65)}":"x",${text.slice(1)}`,
    'object as value': text.replace('"orders:read"', '{"a":"orders:read"}'),
    'list as value': text.replace('"orders:read"', '["orders:read"]'),
    'true as value': text.replace('"orders:read"', 'true'),
    'negative number': text.replace(String(NOW), `-${NOW}`),
    fraction: text.replace(String(NOW), `${NOW}.0`),
    exponent: text.replace(String(NOW), '1767225600e3'),
    'leading zero': text.replace(String(NOW), `0${NOW}`),
    'plus sign': text.replace(String(NOW), `+${NOW}`),
    'number of 17 digits': text.replace(String(NOW), '17672256000000000'),
  };
  for (const [name, bad] of Object.entries(syntax))
    book.refuseEdit(`syntax, ${name}`, bad, 'PARSE_FAILED:SYNTAX');
  book.bad.push({
    name: `${book.prefix}: syntax, not UTF-8`,
    envelopeHex: toHex(utf8(text)).replace(toHex(utf8('orders')), `ff${toHex(utf8('rders'))}`),
    error: 'PARSE_FAILED:SYNTAX',
  });
  const large = book.good.find(({ name }) => name.endsWith('exactly as large as allowed'));
  book.refuseEdit('one byte more than allowed', `${large.envelope} `, 'ENVELOPE_TOO_LARGE', {}, large);
}
