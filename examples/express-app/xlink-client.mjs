import { Agent, discover, ENVELOPE_TYPE, requestBinding, xlinkAuthorization } from '@private.me/xlink';

/** The demo speaks plain HTTP on 127.0.0.1. A real API does not, and its clients leave this out. */
const LOCAL = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };

/**
 * Calls the API with an identity in the place of an API key.
 * @param {object} options
 * @param {string} options.url
 * @param {string} options.serviceDid who the API must prove to be; handed over together with the URL
 * @param {Uint8Array} options.pkcs8 the identity
 * @param {import('@private.me/xlink').Version} [options.version]
 */
export async function createXlinkClient({ url, serviceDid, pkcs8, version = 2 }) {
  const imported = await Agent.importIdentity({ pkcs8, maxVersion: version });
  if (!imported.ok) throw imported.error;
  const agent = imported.value;
  const { keyRecord } = await discover(url, { pinnedDid: serviceDid, ...LOCAL });
  await agent.adoptService(keyRecord);

  /** @param {string} method @param {string} target path and query */
  const addressed = (method, target) => ({
    to: serviceDid,
    scope: scopeFor(method, target),
    request: requestBinding(method, target),
  });

  const client = {
    /**
     * The value of `Authorization` for a request without a body, or with one that stays readable.
     * @param {string} method @param {string} target @param {string} [json]
     */
    async sign(method, target, json) {
      const body = json === undefined ? {} : { content: Buffer.from(json), contentType: 'application/json' };
      const envelope = await agent.createRequest({
        ...addressed(method, target),
        ...body,
        signedOnly: true,
      });
      return xlinkAuthorization(envelope);
    },

    /**
     * A body that only the API can read.
     * @param {string} method @param {string} target @param {unknown} payload
     */
    async seal(method, target, payload) {
      return JSON.stringify(await agent.createRequest({ ...addressed(method, target), payload }));
    },

    /** @param {string} method @param {string} target @param {unknown} [payload] */
    async call(method, target, payload) {
      const address = new URL(target, url);
      if (payload === undefined) {
        const headers = { Authorization: await client.sign(method, target) };
        return fetch(address, { method, headers });
      }
      const headers = { 'Content-Type': ENVELOPE_TYPE };
      return fetch(address, { method, headers, body: await client.seal(method, target, payload) });
    },
  };
  return client;
}

/**
 * The rule of this API: `orders:read`, `orders:write`, `payments:read`, `payments:write`.
 * @param {string} method
 * @param {string} target
 */
const scopeFor = (method, target) =>
  `${target.split(/[/?]/)[1]}:${method.toUpperCase() === 'GET' ? 'read' : 'write'}`;
