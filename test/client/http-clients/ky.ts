import { type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';
import ky from 'ky';

export const kyFor = (baseUrl: string, options: XlinkFetchOptions) =>
  ky.create({
    prefixUrl: baseUrl,
    fetch: xlinkFetch({ baseUrl, ...options }),
    retry: { methods: ['get', 'head'] }, // by itself, ky repeats PUT and DELETE, too
  });
