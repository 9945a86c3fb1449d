import { type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';
import axios from 'axios';

export const axiosFor = (baseUrl: string, options: XlinkFetchOptions) =>
  axios.create({
    baseURL: baseUrl,
    adapter: 'fetch', // without it, axios takes no fetch, and sends without xLink
    env: { fetch: xlinkFetch({ baseUrl, ...options }) },
  });
