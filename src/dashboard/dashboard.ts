import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import type { XlinkError } from '../errors/errors.js';
import type { Headers, HttpResponse } from '../http/decision.js';
import { type Access, accessOf, type Visitor } from './access.js';
import { bodyOf, originRefusal } from './action-request.js';
import { Actions } from './actions/actions.js';
import { type OperatorOf, operatorsOf } from './actions/operator.js';
import { ClientDirectory } from './client-directory.js';
import { exportClients } from './client-export.js';
import { GUARDED, INERT_POLICY, pageDocument, pagePolicy } from './document.js';
import { checkDashboardOptions, type DashboardOptions, DEFAULT_TITLE } from './options.js';
import type { DashboardRequest } from './request.js';
import type { DashboardSnapshot } from './snapshot.js';
import { Snapshots } from './snapshots.js';
import { clientsQuery } from './view-query.js';

/**
 * A page that shows the migration, and the figures it asks for while it is open. Counts from its construction on. Knows
 * no framework: the middleware translates.
 */
export class Dashboard {
  readonly #access: Access;
  readonly #snapshots: Snapshots;
  readonly #title: string;
  readonly #operatorOf: OperatorOf | undefined;
  readonly #actions: Actions;

  /** Throws `INVALID_OPTION`. */
  constructor(adapter: BaseDualModeAdapter, options: DashboardOptions<never>, owner = 'dashboard') {
    checkDashboardOptions(owner, options);
    const { clock = Date.now, plan } = options;
    const onFault = (error: XlinkError) => adapter.emit({ type: 'fault', error });
    this.#access = accessOf(options, { clock, onFault });
    this.#operatorOf = operatorsOf(options, onFault);
    this.#snapshots = new Snapshots(adapter, options);
    this.#title = options.title ?? DEFAULT_TITLE;
    const directory = () => this.#snapshots.directory();
    this.#actions = new Actions({ adapter, plan, clock, directory });
  }

  /** First of all it is asked who it is: strangers do not even learn what there is. */
  async answer(request: DashboardRequest): Promise<HttpResponse> {
    const denial = await this.#access(request);
    if (denial) return plain(denial.status, denial.text, denial.headers);
    const { path, query } = split(request.target);
    if (path !== '/') return plain(404, 'There is nothing here.');
    if (request.method === 'GET' || request.method === 'HEAD') return this.#read(query, request);
    if (!this.#operatorOf) return plain(405, 'This is for reading only.', { Allow: 'GET, HEAD' });
    if (request.method !== 'POST')
      return plain(405, 'There is no such method here.', { Allow: 'GET, HEAD, POST' });
    return this.#act(request, this.#operatorOf);
  }

  async #act(request: DashboardRequest, operatorOf: OperatorOf): Promise<HttpResponse> {
    const refused = originRefusal(request);
    if (refused) return json(refused.status, { error: refused.error });
    const by = await operatorOf(request);
    if (by === undefined) return json(403, { error: 'You may look at this, but not change anything.' });
    const { status, body } = await this.#actions.answer(by, await bodyOf(request));
    return json(status, body);
  }

  async #read(query: URLSearchParams, visitor: Visitor): Promise<HttpResponse> {
    const format = query.get('export');
    if (format === 'csv' || format === 'json') return this.#export(query, format);
    if (query.get('format') !== 'json') return this.#page();
    const operator = await this.#operatorOf?.(visitor);
    return json(200, {
      ...(await this.#snapshots.snapshot(clientsQuery(query))),
      ...(operator === undefined ? {} : { operator }),
    } satisfies DashboardSnapshot);
  }

  async #export(query: URLSearchParams, format: 'csv' | 'json'): Promise<HttpResponse> {
    const directory = await this.#snapshots.directory();
    if (!(directory instanceof ClientDirectory))
      return directory.why === 'not-configured'
        ? plain(404, 'The adapter keeps no clients: it has no option clients.')
        : plain(503, 'The client store did not answer.', { 'Retry-After': '5' });
    const { type, name, body } = exportClients(directory, clientsQuery(query), format);
    return answer(200, type, body, INERT_POLICY, { 'Content-Disposition': `attachment; filename="${name}"` });
  }

  /** The bundle is loaded at the first view. */
  async #page(): Promise<HttpResponse> {
    const bundle = await import('./page/bundle.js');
    const document = pageDocument(bundle, this.#title);
    return answer(200, 'text/html; charset=utf-8', document, pagePolicy(bundle));
  }
}

const json = (status: number, body: object): HttpResponse =>
  answer(status, 'application/json; charset=utf-8', JSON.stringify(body), INERT_POLICY);

/** `path` is `/` for the mount itself, with and without a slash at its end. */
function split(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '', query = ''] = target.split('#')[0]!.split(/\?(.*)/s);
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) };
}

const plain = (status: number, text: string, more: Headers = {}): HttpResponse =>
  answer(status, 'text/plain; charset=utf-8', `${text}\n`, INERT_POLICY, more);

const answer = (
  status: number,
  type: string,
  body: string,
  policy: string,
  more: Headers = {},
): HttpResponse => ({
  action: 'answer',
  status,
  headers: { ...GUARDED, 'Content-Type': type, 'Content-Security-Policy': policy, ...more },
  body,
});
