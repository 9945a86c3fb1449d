/** Path of the route on which a client switches its own key off or on, and the scope of envelopes for it. */
export const KEY_PATH = '/.well-known/xlink/key';
export const KEY_SCOPE = 'xlink:key';
/** Paths of what callers are told of brownouts: a page, and a calendar. */
export const BROWNOUT_PAGE_PATH = '/.well-known/xlink/brownouts';
export const BROWNOUT_CALENDAR_PATH = '/.well-known/xlink/brownouts.ics';
