import { checkNames, checkValue, integerIn, invalidOption, isFunction, isText } from '../util/options.js';
import type { XStoreBackend } from './backend.js';
import { type Exchange, exchanged, isSafeUrl } from './exchange.js';
import { encodeRfc3986, type SigV4Scope, signedHeaders } from './sigv4.js';

/** Options of {@link S3Backend}. */
export interface S3BackendOptions {
  /** Where the service is, such as `https://s3.eu-central-1.amazonaws.com`. https; http for this machine only. */
  readonly endpoint: string;
  /** Such as `eu-central-1`; many services that are not of Amazon take `us-east-1`. */
  readonly region: string;
  /** The bucket, in the path of the URL. */
  readonly bucket: string;
  /** In front of each name. Default `xlock/`. */
  readonly prefix?: string;
  /** Who asks. It should be allowed to read, write and delete objects below the prefix, and nothing else. */
  readonly accessKeyId: string;
  /** Its secret. */
  readonly secretAccessKey: string;
  /** Of temporary credentials. Default none. */
  readonly sessionToken?: string;
  /** Name for messages. Default `s3`. */
  readonly id?: string;
  /** For one request, in ms. Default 5000. */
  readonly timeoutMs?: number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const NAMES = [
  'endpoint',
  'region',
  'bucket',
  'prefix',
  'accessKeyId',
  'secretAccessKey',
  'sessionToken',
  'id',
  'timeoutMs',
  'fetch',
  'clock',
] as const satisfies readonly (keyof S3BackendOptions)[];

/** Shares as objects of S3, or of what speaks its protocol (MinIO, Ceph, R2 …), asked with AWS Signature Version 4. */
export class S3Backend implements XStoreBackend {
  readonly id: string;
  /** Where the shares are: of the bucket, and the prefix in it. */
  readonly url: string;
  readonly #scope: SigV4Scope;
  readonly #exchange: Exchange;
  readonly #clock: () => number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: S3BackendOptions) {
    const OWNER = 'S3Backend';
    checkNames(OWNER, options, NAMES);
    const { endpoint, region, bucket, prefix = 'xlock/', accessKeyId, secretAccessKey } = options;
    if (!isSafeUrl(endpoint))
      throw invalidOption(
        'endpoint',
        `${OWNER}: endpoint must be a URL with https, or http of this machine, without user:password@.`,
      );
    for (const name of ['region', 'bucket', 'accessKeyId', 'secretAccessKey'] as const)
      if (!isText(options[name])) throw invalidOption(name, `${OWNER}: ${name} must be a text.`);
    checkValue(OWNER, 'sessionToken', options.sessionToken, isText, 'a text');
    checkValue(OWNER, 'id', options.id, isText, 'a text');
    checkValue(
      OWNER,
      'timeoutMs',
      options.timeoutMs,
      integerIn(1, 600_000),
      'a whole number of ms up to 600000',
    );
    checkValue(OWNER, 'fetch', options.fetch, isFunction, 'a function');
    checkValue(OWNER, 'clock', options.clock, isFunction, 'a function');
    const path = [bucket, ...prefix.split('/')].map(encodeRfc3986).join('/');
    this.url = `${endpoint.replace(/\/+$/, '')}/${path}`;
    this.#scope = {
      accessKeyId,
      secretAccessKey,
      sessionToken: options.sessionToken,
      region,
      service: 's3',
    };
    this.#exchange = { fetch: options.fetch ?? fetch, timeoutMs: options.timeoutMs ?? 5000 };
    this.#clock = options.clock ?? Date.now;
    this.id = options.id ?? 's3';
  }

  /** `PUT`; the service checks the hash of the body, which is signed. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#ask('PUT', name, Uint8Array.from(bytes));
  }

  /** `GET`. */
  async get(name: string): Promise<Uint8Array | undefined> {
    return this.#ask('GET', name);
  }

  /** `DELETE`. A bucket with versions keeps the old ones: let a rule of it remove them. */
  async delete(name: string): Promise<void> {
    await this.#ask('DELETE', name);
  }

  async #ask(method: string, name: string, body?: Uint8Array): Promise<Uint8Array | undefined> {
    const url = new URL(this.url + encodeRfc3986(name));
    const headers = signedHeaders(this.#scope, method, url, body ?? new Uint8Array(0), this.#clock());
    const found = await exchanged(this.#exchange, url, { method, headers, ...(body ? { body } : {}) });
    if (method === 'PUT' && found === undefined)
      throw new Error('The store answered with status 404: there is no such bucket.');
    return found;
  }
}
