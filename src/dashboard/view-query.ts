import type { CutoverState } from '../types/events.js';

/** What the table of clients is sorted by; `attention`: those in the way of turning keys off come first. */
export type ClientSort =
  | 'attention'
  | 'name'
  | 'state'
  | 'lastKeyUse'
  | 'lastXlinkUse'
  | 'keyRequests'
  | 'xlinkRequests'
  | 'failures';

/** Which clients are shown: one state, or all those that are ready, or all that are not. */
export type ClientFilter = CutoverState | 'ready' | 'not-ready';

/** What a viewer wants to see of the clients. The page keeps it in its own address. */
export interface ClientsQuery {
  /** Part of a client's name, in any case; empty: all. */
  readonly search: string;
  /** Absent: all. */
  readonly state?: ClientFilter;
  readonly sort: ClientSort;
  readonly descending: boolean;
  /** From 1. */
  readonly page: number;
  /** The `id` of the client that is opened; absent: none. */
  readonly client?: string;
}

const SORTS: readonly ClientSort[] = [
  'attention',
  'name',
  'state',
  'lastKeyUse',
  'lastXlinkUse',
  'keyRequests',
  'xlinkRequests',
  'failures',
];

/** All states, those whom turning keys off would hurt first. */
export const STATES_BY_ATTENTION: readonly CutoverState[] = [
  'failing',
  'key-in-use',
  'not-enrolled',
  'never-used-xlink',
  'not-recent',
  'key-switched-off',
  'moved',
  'revoked',
];
const FILTERS: readonly ClientFilter[] = [...STATES_BY_ATTENTION, 'ready', 'not-ready'];

/** Longer ones match nothing. */
const MAX_SEARCH_CHARACTERS = 200;
/** No `id` is longer. */
const MAX_ID_CHARACTERS = 300;
const MAX_PAGE = 1_000_000;

export const ALL_CLIENTS: ClientsQuery = { search: '', sort: 'attention', descending: false, page: 1 };

/** What is not understood counts as not given: a link of yesterday, or a mistyped one, still shows something. */
export function clientsQuery(query: URLSearchParams): ClientsQuery {
  const state = FILTERS.find((name) => name === query.get('state'));
  const client = query.get('client');
  const page = /^\d{1,7}$/.test(query.get('page') ?? '') ? Number(query.get('page')) : 1;
  return {
    search: (query.get('search') ?? '').slice(0, MAX_SEARCH_CHARACTERS),
    ...(state === undefined ? {} : { state }),
    sort: SORTS.find((name) => name === query.get('sort')) ?? 'attention',
    descending: query.get('order') === 'desc',
    page: Math.min(Math.max(1, page), MAX_PAGE),
    ...(client === null || client === '' ? {} : { client: client.slice(0, MAX_ID_CHARACTERS) }),
  };
}
