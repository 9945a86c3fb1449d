/** Path of the route on which a client switches its own key off or on, and the scope of envelopes for it. */
export const KEY_PATH = '/.well-known/xlink/key';
export const KEY_SCOPE = 'xlink:key';
