// Scopes (10.6).
import { anyScope } from './messages.mjs';

const REQUEST = 'GET /orders';

export function scopeCases(book) {
  const draft = { kind: 'request', request: REQUEST, scope: '*' };
  const settings = { kind: 'request', request: REQUEST, requireRequestBinding: true };
  const accept = (name, scopes, more, change) =>
    book.accept(
      `scope: ${name}`,
      book.make(`scope ${name}`, { ...draft, ...more }),
      { ...settings, ...change },
      {
        scopes,
      },
    );
  accept('* in a request, which may use what was granted and is accepted', ['orders:read', 'orders:write']);
  accept('* in a request, with nothing granted', [], {}, { sendScopes: null });
  accept('* in a request, with nothing granted that is accepted', [], {}, { sendScopes: ['unwanted'] });
  accept('* in a request, with * granted', ['orders:read', 'orders:write'], {}, { sendScopes: ['*'] });
  accept(
    '* in a request, with anything accepted',
    ['orders:read', 'unwanted'],
    {},
    {
      sendScopes: ['orders:read', 'unwanted'],
      receiveScopes: null,
    },
  );
  accept('* in a request, with * granted and * accepted', ['*'], {}, anyScope);
  accept('one in a request', ['orders:read'], { scope: 'orders:read' });
  const own = { scope: 'xlink:key' };
  accept('of the library, at its route, without a grant', ['xlink:key'], own, {
    ownScope: 'xlink:key',
    sendScopes: null,
    receiveScopes: [],
  });
  const any = 'message, with anything accepted and * granted';
  book.accept(`scope: ${any}`, book.make(`scope ${any}`, { scope: 'admin' }), {
    sendScopes: ['*'],
    receiveScopes: null,
  });

  const message = (name, error, scope, change) => book.refuse(`scope: ${name}`, error, { scope }, {}, change);
  message('the sender lacks', 'SCOPE_DENIED', 'admin');
  message('the sender lacks, as its entry has no list', 'SCOPE_DENIED', 'orders:read', { sendScopes: null });
  message('the sender lacks, as its list is empty', 'SCOPE_DENIED', 'orders:read', { sendScopes: [] });
  message('that begins like one that was granted', 'SCOPE_DENIED', 'orders');
  message('that only a pattern would grant', 'SCOPE_DENIED', 'orders:read', { sendScopes: ['orders:*'] });
  message('the receiver does not accept', 'SCOPE_NOT_ALLOWED', 'unwanted');
  message('the receiver does not accept, as its list is empty', 'SCOPE_NOT_ALLOWED', 'orders:read', {
    receiveScopes: [],
  });
  message('of the library, in a message', 'SCOPE_NOT_ALLOWED', 'xlink:key', anyScope);
  const request = (name, error, scope, change) =>
    book.refuse(`scope: ${name}`, error, { ...draft, scope }, {}, { ...settings, ...change });
  request('the sender of a request lacks', 'SCOPE_DENIED', 'admin');
  request('the receiver of a request does not accept', 'SCOPE_NOT_ALLOWED', 'unwanted');
  request('of the library, at a route of the application', 'SCOPE_NOT_ALLOWED', 'xlink:key', anyScope);
  const route = { ...anyScope, ownScope: 'xlink:key' };
  request('of the library, at another route of it', 'SCOPE_NOT_ALLOWED', 'xlink:enroll', route);
  request('of the application, at a route of the library', 'SCOPE_NOT_ALLOWED', 'orders:read', route);
  request('*, at a route of the library', 'SCOPE_NOT_ALLOWED', '*', route);
}
