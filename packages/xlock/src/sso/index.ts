export { type XlockOidc, xlockOidc } from './oidc/oidc.js';
export type { OidcClient, XlockOidcOptions } from './oidc/options.js';
export type { SsoHandler } from './requests.js';
export type { SamlServiceProvider, XlockSamlOptions } from './saml/options.js';
export { type XlockSaml, xlockSaml } from './saml/saml.js';
