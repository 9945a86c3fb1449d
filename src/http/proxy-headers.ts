/**
 * Headers by which well-known proxies, load balancers and networks tell an API whose request it is and how it came: an API
 * believes them because its own proxy sets them, so no caller may. RFC 7239, RFC 9440, and the pages of nginx, Envoy, IIS,
 * oauth2-proxy, Cloudflare, Fastly, AWS, Azure and Google Cloud.
 */
export const PROXY_HEADERS =
  'forwarded via x-forwarded-* x-real-* x-original-* x-rewrite-url x-client-ip x-cluster-client-ip true-client-ip client-cert* x-client-cert* x-ssl-* ssl-client-* x-auth-request-* remote-user x-remote-user x-envoy-* x-arr-* cf-* fastly-* x-amzn-* x-azure-* x-ms-client-principal* x-goog-*';
