import { buffer } from 'node:stream/consumers';
import { connect, isXlinkError, xlinkFetch } from '@private.me/xlink';
import { API_HELP, API_OPTIONS, apiOptions } from './connect.js';
import { Folder } from './local/folder.js';
import { writeWhole } from './local/whole-file.js';
import { COMMON, FLAG, integerOf, read, TEXT, TEXTS } from './options.js';
import { bytesIn } from './read-file.js';
import { type Command, UsageError } from './run.js';
import { signedCall } from './signed-call.js';

const HELP = `Usage: xlink curl [options] URL

Calls an API as the identity of the folder, with these flags of curl. Bodies of JSON
are sealed for the service; other requests are signed, method, path and content, with
their bodies as they are. The answer was verified before it is shown.

  -X, --request METHOD     default: GET, or POST with data
  -H, --header LINE        "Name: value"; several times
  -d, --data TEXT          a body, as application/x-www-form-urlencoded unless -H says
                           something else; @FILE: from a file, without line ends; "@-": stdin
  --data-raw TEXT          the same; an @ is nothing special
  --data-binary TEXT       the same as -d; files as they are
  --json TEXT              a body of JSON, as with curl
  -o, --output FILE        writes the body of the answer there, as a whole or not at all
  -i, --include            shows status and headers of the answer, too
  -f, --fail               exit code 22 for a status from 400 on, and no body
  -m, --max-time SECONDS   for everything (default: none)
  -s, --silent             says nothing on stderr
  -S, --show-error         with -s: says why it failed all the same
  -I, --head               asks for the head alone, and shows it
  --scope SCOPE            under which scope (default: all that were granted)
  --sign                   seals nothing: signs by RFC 9421, which anybody in between can
                           read, for an API with signatures: true that knows this identity
${API_HELP}
  --dir FOLDER, --passphrase-file FILE
                           as with the other commands`;

const OPTIONS = {
  dir: COMMON.dir,
  'passphrase-file': COMMON['passphrase-file'],
  ...API_OPTIONS,
  request: { ...TEXT, short: 'X' },
  header: { ...TEXTS, short: 'H' },
  data: { ...TEXTS, short: 'd' },
  'data-raw': TEXTS,
  'data-binary': TEXTS,
  json: TEXTS,
  output: { ...TEXT, short: 'o' },
  include: { ...FLAG, short: 'i' },
  fail: { ...FLAG, short: 'f' },
  'max-time': { ...TEXT, short: 'm' },
  silent: { ...FLAG, short: 's' },
  'show-error': { ...FLAG, short: 'S' },
  head: { ...FLAG, short: 'I' },
  scope: TEXT,
  sign: FLAG,
} as const;

type Values = ReturnType<typeof read<typeof OPTIONS>>['values'];

/** That of curl for a status from 400 on. */
const HTTP_FAILED = 22;

/** `xlink curl`. */
export const curlCommand: Command = {
  summary: 'call an API by xLink, with the flags of curl',
  help: HELP,
  async run(args, { out, err, raw }) {
    const { values, words } = read(args, OPTIONS, 1);
    const [url] = words;
    if (url === undefined || !URL.canParse(url)) throw new UsageError('a URL is required, with https://');
    const headers = headersOf(values.header ?? []);
    const body = await bodyOf(values, headers);
    const { origin } = new URL(url);
    const folder = new Folder({ dir: values.dir, 'passphrase-file': values['passphrase-file'] });
    await folder.config();
    const options = { identity: folder.identityStore(), ...(await apiOptions(values, url)) };
    const call = values.sign
      ? await signedCall(await folder.identity(), await serviceAt(origin, options), values.scope)
      : xlinkFetch({
          ...options,
          apiKeyOrigin: origin,
          ...(values.scope === undefined ? {} : { scope: values.scope }),
        });
    const time = values['max-time'];
    const signal =
      time === undefined
        ? {}
        : { signal: AbortSignal.timeout(integerOf('max-time', time, 1, 86_400) * 1000) };
    const method = values.request ?? (values.head ? 'HEAD' : body ? 'POST' : 'GET');
    const answer = await call(url, {
      method,
      headers,
      ...(body ? { body: new Uint8Array(body) } : {}),
      ...signal,
    }).catch(told);
    const failed = Boolean(values.fail) && answer.status >= 400;
    if (values.include || values.head) {
      out(`HTTP ${answer.status} ${answer.statusText}`.trim());
      for (const [name, value] of answer.headers) out(`${name}: ${value}`);
      out('');
    }
    const content = Buffer.from(await answer.arrayBuffer());
    if (failed && (!values.silent || values['show-error']))
      err(`xlink curl: the answer has status ${answer.status}`);
    if (values.output !== undefined && !failed) await writeWhole(values.output, content, { mode: 0o644 });
    else if (!failed && content.length > 0) (raw ?? ((bytes) => out(Buffer.from(bytes).toString())))(content);
    return failed ? HTTP_FAILED : 0;
  },
};

/** The DID of the API, which is the one that is known from earlier calls. */
async function serviceAt(origin: string, options: Parameters<typeof connect>[1]): Promise<string> {
  const connection = await connect(origin, options);
  if (!connection.ok) throw connection.error;
  return connection.value.did;
}

/** What `fetch` fails with says nothing; its cause does. */
function told(error: unknown): never {
  const { cause } = error as { cause?: unknown };
  throw isXlinkError(cause) ? cause : error;
}

function headersOf(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new UsageError('--header is "Name: value"');
    headers.append(name, value!);
  }
  return headers;
}

async function bodyOf(values: Values, headers: Headers): Promise<Buffer | undefined> {
  const { data = [], 'data-raw': raw = [], 'data-binary': binary = [], json = [] } = values;
  const parts = [
    ...(await Promise.all(data.map(async (text) => withoutLineEnds(await contentOf(text), text)))),
    ...raw.map((text) => Buffer.from(text)),
    ...(await Promise.all(binary.map(contentOf))),
  ];
  if (json.length > 0) {
    if (parts.length > 0) throw new UsageError('--json takes the place of --data');
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    if (!headers.has('accept')) headers.set('accept', 'application/json');
    return Buffer.concat(await Promise.all(json.map(contentOf)));
  }
  if (parts.length === 0) return undefined;
  if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded');
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from('&'), part])));
}

const contentOf = async (text: string): Promise<Buffer> =>
  text === '@-'
    ? buffer(process.stdin)
    : text.startsWith('@')
      ? bytesIn('data', text.slice(1))
      : Buffer.from(text);

const withoutLineEnds = (content: Buffer, given: string): Buffer =>
  given.startsWith('@')
    ? Buffer.from(content.toString('latin1').replaceAll(/[\r\n]/g, ''), 'latin1')
    : content;
