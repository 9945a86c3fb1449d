import { connect } from '@private.me/xlink';
import { Folder } from './local/folder.js';
import { secretIn } from './local/secret-file.js';
import { COMMON, COMMON_HELP, FLAG, read, show, TEXT } from './options.js';
import { isHere } from './private-option.js';
import { type Command, UsageError } from './run.js';

/** Options of commands that call an API. */
export const API_OPTIONS = {
  'key-file': TEXT,
  invitation: TEXT,
  'unsafe-allow-http': FLAG,
  'allow-private': FLAG,
} as const;

export const API_HELP = `  --key-file FILE          the API key, for the first call (else: the variable XLINK_API_KEY)
  --invitation TEXT        xinv_… of the operator of the API, in the place of a key ("@FILE":
                           from a file; else: the variable XLINK_INVITATION)
  --unsafe-allow-http      also where an API elsewhere has no TLS
  --allow-private          also at private addresses`;

export interface ApiValues {
  readonly 'key-file'?: string | undefined;
  readonly invitation?: string | undefined;
  readonly 'unsafe-allow-http'?: boolean | undefined;
  readonly 'allow-private'?: boolean | undefined;
}

/** What discovery of a target is given of these options. This very machine needs neither TLS nor a word for its address. */
export const discoveryOptions = (values: ApiValues, target: string) => ({
  ...(values['unsafe-allow-http'] || isHere(target) ? { unsafeAllowHttp: true } : {}),
  ...(values['allow-private'] || isHere(target) ? { unsafeAllowPrivateAddresses: true } : {}),
});

/** What `connect` and `xlinkFetch` are given of these options. */
export async function apiOptions(values: ApiValues, target: string) {
  const { 'key-file': file, invitation: given } = values;
  const apiKey =
    file === undefined ? process.env['XLINK_API_KEY'] : (await secretIn('key-file', file)).trim();
  const invitation = given?.startsWith('@')
    ? (await secretIn('invitation', given.slice(1))).trim()
    : (given ?? process.env['XLINK_INVITATION']);
  return {
    ...(apiKey ? { apiKey } : {}),
    ...(invitation ? { invitation } : {}),
    ...discoveryOptions(values, target),
  };
}

/** `xlink connect`. */
export const connectCommand: Command = {
  summary: 'find a service, and get to know its identity',
  help: `Usage: xlink connect SERVICE [options]

SERVICE is a name, which a registry knows, a domain, or a URL. Its discovery document is
verified, and its DID is kept for the next call.

  --registry-url URL       where names are looked up
  --pin DID                takes no other identity
${API_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const { values, words } = read(args, { ...COMMON, ...API_OPTIONS, 'registry-url': TEXT, pin: TEXT }, 1);
    const [service] = words;
    if (service === undefined) throw new UsageError('name a service: xlink connect payments-service');
    const folder = new Folder(values);
    await folder.config();
    const started = performance.now();
    const connection = await connect(service, {
      identity: folder.identityStore(),
      ...(await apiOptions(values, isHere(service) ? service : (values['registry-url'] ?? service))),
      ...(values['registry-url'] === undefined ? {} : { registryUrl: values['registry-url'] }),
      ...(values.pin === undefined ? {} : { pinnedDid: values.pin }),
    });
    if (!connection.ok) throw connection.error;
    const { did, url } = connection.value;
    const elapsed = Math.round((performance.now() - started) / 100) / 10;
    show(output, values, { status: 'connected', service, did, endpoint: url, elapsed_seconds: elapsed });
    return 0;
  },
};
