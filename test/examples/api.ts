import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyRecord, type Identity, type KeyRecord, type Mode, type Version } from '@private.me/xlink';
import { type SignAsOptions, type SignedCaller, signedRequest } from '@private.me/xlink/testing';
import supertest, { type Response } from 'supertest';
import { identityOf } from '../support/agents.js';

/** A module of the example. It is plain JavaScript, so there are no types to import. */
export const example = (file: string) =>
  import(new URL(`../../examples/express-app/${file}`, import.meta.url).href);

const { openApp } = await example('app.mjs');
const { createXlinkClient } = await example('xlink-client.mjs');

export const ADMIN_TOKEN = 'admin token of this test';
export const DASHBOARD_PASSWORD = 'dashboard password of this test';

export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly apiKey: string;
}

/** One request of a caller, whatever its credential. */
export type Ask = (method: string, target: string, payload?: unknown) => Promise<Response>;

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'xlink-test-'));

/** The example, served on a port of its own. */
export class Api {
  readonly did: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #closeApp: () => Promise<void>;

  private constructor(
    folder: string,
    server: Server,
    { did, close }: { did: string; close: () => Promise<void> },
  ) {
    this.#folder = folder;
    this.#server = server;
    this.did = did;
    this.#closeApp = close;
  }

  static async open(folder = temporaryFolder(), mode?: Mode): Promise<Api> {
    const opened = await openApp({
      folder,
      adminToken: ADMIN_TOKEN,
      dashboardPassword: DASHBOARD_PASSWORD,
      mode,
    });
    const server = createServer(opened.app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Api(folder, server, opened);
  }

  get folder(): string {
    return this.#folder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get anonymous() {
    return supertest(this.#server);
  }

  readonly admin: Ask = async (method, target, payload) =>
    this.#send(method, `/admin${target}`, { Authorization: `Bearer ${ADMIN_TOKEN}` }, payload);

  async customer(name = 'Ada', scopes?: readonly string[]): Promise<Customer> {
    return (await this.admin('POST', '/customers', { name, scopes })).body as Customer;
  }

  enroll(customer: Customer, keys: KeyRecord): Promise<Response> {
    return this.admin('POST', `/customers/${customer.id}/identities`, { keys });
  }

  byKey(apiKey: string): Ask {
    return (method, target, payload) => this.#send(method, target, { 'X-API-Key': apiKey }, payload);
  }

  /** An identity that is enrolled for the customer, with the scopes of its key. */
  byXlink({ id, scopes }: Customer, options: SignAsOptions = {}): Ask {
    return this.#askBy(this.#signed.as(id, { scopes, ...options }));
  }

  byStranger(): Ask {
    return this.#askBy(this.#signed.asStranger());
  }

  get #signed() {
    return signedRequest(this.#server);
  }

  #askBy(caller: SignedCaller): Ask {
    return async (method, target, payload) => {
      const request = caller[verbOf(method)](target);
      return (await (payload === undefined ? request : request.send(payload as object))) as Response;
    };
  }

  /** One that outlives this process: the operator enrolled it. */
  byIdentity(identity: Identity): Ask {
    return async (method, target, payload) => {
      const client = await this.client(identity);
      if (payload === undefined)
        return this.#send(method, target, { Authorization: await client.sign(method, target) });
      const headers = { 'Content-Type': 'application/xlink-envelope' };
      return this.#send(method, target, headers, await client.seal(method, target, payload));
    };
  }

  /** A new identity that acts for the customer. */
  async identityFor(customer: Customer, name: string, version: Version = 2): Promise<Identity> {
    const identity = await identityOf(name, version);
    await this.enroll(customer, await createKeyRecord(identity));
    return identity;
  }

  client(identity: Identity) {
    return createXlinkClient({
      url: this.url,
      serviceDid: this.did,
      pkcs8: identity.exportPKCS8(),
      version: identity.maxVersion,
    });
  }

  /** Stops the server. The folder stays. */
  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
    await this.#closeApp();
  }

  async destroy(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }

  #send(method: string, target: string, headers: Record<string, string>, payload?: unknown) {
    const request = supertest(this.#server)[verbOf(method)](target).set(headers);
    return payload === undefined ? request : request.send(payload as object);
  }
}

const verbOf = (method: string) => method.toLowerCase() as 'get' | 'post' | 'put' | 'delete';
