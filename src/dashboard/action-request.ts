import { decodeUtf8 } from '../util/utf8.js';
import { isSameOrigin } from './actions/same-origin.js';
import type { DashboardRequest } from './request.js';

/** No action takes more. */
const MAX_BODY_BYTES = 16_384;

/** Why a request is no action, before it is asked who sent it. */
export interface NoAction {
  readonly status: number;
  readonly error: string;
}

/** Whether a browser was made to send it by another site. */
export function originRefusal({ header }: DashboardRequest): NoAction | undefined {
  const isFromPage = isSameOrigin({
    origin: header('origin'),
    secFetchSite: header('sec-fetch-site'),
    host: header('host'),
  });
  if (!isFromPage)
    return { status: 403, error: 'This did not come from the page of the dashboard. Nothing was changed.' };
  // A form of another site cannot send this type, and a script of it has to ask first.
  return /^application\/json\s*(;|$)/i.test(header('content-type') ?? '')
    ? undefined
    : { status: 415, error: 'Actions are sent as application/json.' };
}

/** The body as JSON; `undefined` if it is too large, does not come, or is none. */
export async function bodyOf({ readBody, parsedBody }: DashboardRequest): Promise<unknown> {
  if (parsedBody !== undefined) return parsedBody;
  try {
    return JSON.parse(decodeUtf8(await readBody(MAX_BODY_BYTES)));
  } catch {
    return undefined;
  }
}
