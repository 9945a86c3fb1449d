/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/** Credentials as they follow a scheme; not the challenges of a server, `Bearer realm="api"`. */
const SCHEME = /(?:^|[\s,;="'])(?:bearer|basic|api-?key|xlink|token|negotiate|hmac)\s+(?!realm\s*=)\S/i;
/** A JSON Web Token: base64url of `{"`, a dot, and more. */
const JWT = /(?:^|[^\w-])eyJ[\w-]{8,}\.[\w-]+/;
/** User and password in a URL. */
export const USER_INFO = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#\s]*@/i;

/** Whether a value looks like a credential, whatever its name is. */
export const looksSecret = (value: string): boolean => SCHEME.test(value) || JWT.test(value);
