import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import type { Headers, HttpResponse } from '../http/decision.js';
import { type Access, accessOf, type Visitor } from './access.js';
import { GUARDED, INERT_POLICY, pageDocument, pagePolicy } from './document.js';
import { checkDashboardOptions, type DashboardOptions, DEFAULT_TITLE } from './options.js';
import { Snapshots } from './snapshots.js';

/** A request under the mount of the dashboard. */
export interface DashboardRequest extends Visitor {
  readonly method: string;
  /** Path and query, without the path it is mounted at: `/`, `/?format=json`. */
  readonly target: string;
}

/** Longer ones match nothing. */
const MAX_SEARCH_CHARACTERS = 200;

/**
 * A page that shows the migration, and the figures it asks for while it is open. Counts from its construction on. Knows
 * no framework: the middleware translates.
 */
export class Dashboard {
  readonly #access: Access;
  readonly #snapshots: Snapshots;
  readonly #title: string;

  /** Throws `INVALID_OPTION`. */
  constructor(adapter: BaseDualModeAdapter, options: DashboardOptions<never>, owner = 'dashboard') {
    checkDashboardOptions(owner, options);
    this.#access = accessOf(options, {
      clock: options.clock ?? Date.now,
      onFault: (error) => adapter.emit({ type: 'fault', error }),
    });
    this.#snapshots = new Snapshots(adapter, options);
    this.#title = options.title ?? DEFAULT_TITLE;
  }

  /** First of all it is asked who it is: strangers do not even learn what there is. */
  async answer(request: DashboardRequest): Promise<HttpResponse> {
    const denial = await this.#access(request);
    if (denial) return plain(denial.status, denial.text, denial.headers);
    const { path, query } = split(request.target);
    if (path !== '/') return plain(404, 'There is nothing here.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return plain(405, 'This is for reading only.', { Allow: 'GET, HEAD' });
    return query.get('format') === 'json' ? this.#figures(query) : this.#page();
  }

  async #figures(query: URLSearchParams): Promise<HttpResponse> {
    const search = (query.get('search') ?? '').slice(0, MAX_SEARCH_CHARACTERS);
    const body = await this.#snapshots.json(search);
    return answer(200, 'application/json; charset=utf-8', body, INERT_POLICY);
  }

  /** The bundle is loaded at the first view. */
  async #page(): Promise<HttpResponse> {
    const bundle = await import('./page/bundle.js');
    const document = pageDocument(bundle, this.#title);
    return answer(200, 'text/html; charset=utf-8', document, pagePolicy(bundle));
  }
}

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
