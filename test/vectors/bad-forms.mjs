import { maker } from './envelope-maker.mjs';
import { envelopeText, SUITE, toHex, utf8 } from './reference.mjs';
import { relabelError } from './text-edits.mjs';
import { NOW } from './world.mjs';

/** What is no JSON of this kind, and envelopes passed off as of another form or version. */
export function formFaults({
  version,
  sealed,
  good,
  prefix,
  cases,
  minimal,
  edited,
  bare,
  forbidden,
  other,
}) {
  // Syntax.
  const text = minimal.envelope;
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
    edited(`syntax, ${name}`, bad, 'PARSE_FAILED:SYNTAX', {}, minimal);
  cases.push({
    name: `${prefix}: syntax, not UTF-8`,
    envelopeHex: toHex(utf8(text)).replace(toHex(utf8('orders')), `ff${toHex(utf8('rders'))}`),
    error: 'PARSE_FAILED:SYNTAX',
  });
  const large = good.find(({ name }) => name.endsWith('exactly as large as allowed'));
  edited('one byte more than allowed', `${large.envelope} `, 'ENVELOPE_TOO_LARGE', large.settings, large);

  // Other versions and forms.
  for (const v of [1, 2, 3].filter((v) => v !== version)) {
    const relabelled = { ...bare, version: v, suite: other[v] };
    edited(
      `relabelled version ${v}, members unchanged`,
      envelopeText(relabelled),
      relabelError(version, v, sealed),
      {},
      minimal,
    );
    const fitted = {
      ...relabelled,
      kemCiphertext: sealed && v >= 2 ? (bare.kemCiphertext ?? forbidden.kemCiphertext) : undefined,
      pqSignature: v >= 3 ? (bare.pqSignature ?? forbidden.pqSignature) : undefined,
    };
    edited(
      `relabelled version ${v}, members fitted to it`,
      envelopeText(fitted),
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      {},
      minimal,
    );
  }
  const otherForm = {
    ...bare,
    suite: (sealed ? SUITE.signedOnly : SUITE.sealed)[version],
    ephemeralPub: sealed ? undefined : forbidden.ephemeralPub,
    kemCiphertext: sealed || version < 2 ? undefined : forbidden.kemCiphertext,
  };
  edited(
    sealed ? 'ciphertext passed off as signed-only' : 'cleartext passed off as ciphertext',
    envelopeText(otherForm),
    'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    { allowCleartext: true },
    minimal,
  );
  if (!sealed)
    edited(
      'where only ciphertext is wanted',
      minimal.envelope,
      'CLEARTEXT_NOT_ALLOWED',
      { allowCleartext: false },
      minimal,
    );
  if (version < 3) {
    edited(
      'below the minimum version',
      minimal.envelope,
      'VERSION_TOO_LOW',
      { minVersion: version + 1 },
      minimal,
    );
    const higher = maker(version + 1, sealed)('shown before');
    edited(
      'after a higher version from the same sender',
      minimal.envelope,
      'VERSION_TOO_LOW',
      { before: [{ envelope: higher.text }] },
      minimal,
    );
  }
}
