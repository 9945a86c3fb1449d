/**
 * The dozen clients of the demo, in the order in which they move, and the envelope version each of them speaks:
 * 1 classical, 2 with ML-KEM-768, 3 with ML-DSA-65 signatures as well. The one in Python signs its requests by RFC 9421. The last one
 * is the one that does not listen.
 * @type {readonly { name: string, version: import('@private.me/xlink').Version, language?: 'python' }[]}
 */
export const CAST = [
  { name: 'storefront-web', version: 2 },
  { name: 'partner-northwind', version: 2 },
  { name: 'warehouse-scanner', version: 1 },
  { name: 'mobile-ios', version: 2 },
  { name: 'mobile-android', version: 2 },
  { name: 'fraud-check', version: 3 },
  { name: 'erp-sync', version: 2, language: 'python' },
  { name: 'support-desk', version: 2 },
  { name: 'shop-terminal', version: 1 },
  { name: 'billing-nightly', version: 3 },
  { name: 'analytics', version: 2 },
  { name: 'partner-contoso', version: 2 },
];
