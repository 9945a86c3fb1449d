import { BoundedMap } from '../util/bounded-map.js';
import { distance } from '../util/distance.js';
import { checkOptions, isStringArray } from '../util/options.js';
import { lettersOf, wordsOf } from './words.js';

/** Which names count as secret, besides the rules. Compared by their letters alone. */
export interface NameOptions {
  /** Names that are secret too, such as the header of `apiKey.headers`; near misses of them as well. Default none. */
  readonly also?: readonly string[];
  /** Names that are never secret, whatever they sound like. Default none. */
  readonly keep?: readonly string[];
}

/** Names under which credentials travel, by their letters. A mistyped one still carries the credential. */
const SECRET_NAMES = [
  'authorization',
  'proxyauthorization',
  'xauthorization',
  'xforwardedauthorization',
  'authentication',
  'xauthentication',
  'auth',
  'xauth',
  'basicauth',
  'cookie',
  'setcookie',
  'apikey',
  'xapikey',
  'xapisecret',
  'authtoken',
  'xauthtoken',
  'accesstoken',
  'xaccesstoken',
  'xlinkenvelope',
  'password',
  'credentials',
];

/** Parts that make any name secret, wherever in it they are. */
const SECRET_PARTS = [
  'authoriz',
  'authoriz',
  'apikey',
  'token',
  'secret',
  'passw',
  'passphrase',
  'credential',
  'session',
  'cookie',
  'signature',
  'bearer',
  'privatekey',
];

/** Words that make a name secret if they stand alone in it, and those that do so misspelled as well. */
const SECRET_WORDS = new Set([
  'key',
  'keys',
  'kye',
  'jwt',
  'otp',
  'totp',
  'pin',
  'pwd',
  'sig',
  'sid',
  'hmac',
]);
const MISSPELT_WORDS = ['token', 'secret', 'password', 'cookie', 'session', 'credential', 'signature'];

/** Names that sound secret and are not; most of them are what one looks for in a log. */
const PLAIN_NAMES = new Set(
  [
    'Idempotency-Key', // names an operation; good for nothing without the credential beside it
    'Sec-WebSocket-Key', // a nonce, sent in the clear to be echoed in a hash
    'Sec-WebSocket-Key1',
    'Surrogate-Key', // cache tags
    'Cache-Key',
    'X-Cache-Key',
    'Public-Key-Pins', // hashes of public keys
    'Public-Key-Pins-Report-Only',
    'Signature-Input', // RFC 9421: says what is signed; the signature is elsewhere
    'WWW-Authenticate', // challenges of the server
    'Proxy-Authenticate',
    'Authentication-Info',
    'Proxy-Authentication-Info',
    'Access-Control-Allow-Credentials', // true or nothing
  ].map(lettersOf),
);

/** Typing errors that are forgiven: short words have too many neighbours. */
const slack = (name: string): number =>
  name.length >= 12 ? 3 : name.length >= 8 ? 2 : name.length >= 6 ? 1 : 0;

/** Longer names than this are no misspelling of anything. */
const MAX_LETTERS = 40;

/** Tells whether what travels under a name is a credential. Remembers its verdicts: logs see the same names again and again. Throws `INVALID_OPTION`. */
export function secretNames(options: NameOptions = {}): (name: string) => boolean {
  checkOptions('redact', options, { also: isStringArray, keep: isStringArray });
  const { also = [], keep = [] } = options;
  const plain = new Set([...PLAIN_NAMES, ...keep.map(lettersOf)]);
  const secret = [...SECRET_NAMES, ...also.map(lettersOf)];
  const verdicts = new BoundedMap<string, boolean>(1000);
  return (name) => {
    const known = name.length > 200 ? undefined : verdicts.get(name);
    const verdict = known ?? isSecret(name, secret, plain);
    if (known === undefined && name.length <= 200) verdicts.set(name, verdict);
    return verdict;
  };
}

function isSecret(name: string, secret: readonly string[], plain: ReadonlySet<string>): boolean {
  const letters = lettersOf(name);
  if (plain.has(letters)) return false;
  if (SECRET_PARTS.some((part) => letters.includes(part)) || /keys?$/.test(letters)) return true;
  if (wordsOf(name).some((word) => SECRET_WORDS.has(word) || isNearAny(word, MISSPELT_WORDS, () => 1)))
    return true;
  return isNearAny(letters, secret, slack);
}

const isNearAny = (word: string, others: readonly string[], allowed: (other: string) => number): boolean =>
  word.length <= MAX_LETTERS &&
  others.some(
    (other) =>
      other === word ||
      (Math.abs(other.length - word.length) <= allowed(other) && distance(other, word) <= allowed(other)),
  );
