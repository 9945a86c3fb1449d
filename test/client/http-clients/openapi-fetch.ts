import { type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';
import createClient from 'openapi-fetch';

export const openapiFor = <Paths extends object>(baseUrl: string, options: XlinkFetchOptions) =>
  createClient<Paths>({ baseUrl, fetch: xlinkFetch({ baseUrl, ...options }) });
