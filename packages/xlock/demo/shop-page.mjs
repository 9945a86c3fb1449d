// The page of the shop: its markup, style and script, which are all that a service needs of its own.

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: light-dark(#fbf7f2, #191613); color: light-dark(#2a2118, #f0e9e1); }
main { max-width: 30rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; }
ol { padding-left: 1.2rem; }
li { margin: 1rem 0; }
button { font: inherit; font-weight: 600; min-height: 44px; padding: 0.5rem 1.5rem; color: light-dark(#fff, #191613); background: light-dark(#8a4b08, #f0b070); border: 0; border-radius: 8px; cursor: pointer; }
button:disabled { opacity: 0.5; }
#digits { margin: 0.25rem 0; font: 700 4rem/1 ui-monospace, monospace; letter-spacing: 0.2em; }
[hidden] { display: none; }`;

const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Beans &amp; Co</title><link rel="stylesheet" href="/shop.css"></head>
<body><main>
<h1>Beans &amp; Co</h1>
<ol id="steps">
<li><button id="register" type="button">Register Ada</button>
<p id="registered" role="status">Opens the approval page, which is the phone of Ada.</p></li>
<li><button id="login" type="button">Log in as Ada</button>
<div id="asking" hidden><p>Type on the approval page:</p><p id="digits"></p></div>
<p id="outcome" role="status"></p></li>
</ol>
<section id="inside" hidden><h2>Your orders</h2><p id="orders"></p><button id="logout" type="button">Log out</button></section>
</main><script type="module" src="/shop.js"></script></body></html>`;

/** Runs in the browser. */
const script = () => {
  const element = (id) => document.getElementById(id);
  const post = async (path, body = {}) =>
    (await fetch(path, { method: 'POST', body: JSON.stringify(body) })).json();
  element('register').onclick = async () => {
    const { link } = await post('/register');
    window.open(link);
    element('registered').textContent = 'Say yes there, and put that window beside this one.';
  };
  element('login').onclick = async () => {
    element('login').disabled = true;
    element('outcome').textContent = '';
    const login = await post('/xlock/login', { userId: 'ada' });
    element('digits').textContent = login.match ?? '';
    element('asking').hidden = !login.match;
    let answer = login;
    if (login.id && login.match)
      do answer = await (await fetch(`/xlock/login/${login.id}`)).json();
      while (answer.state === 'pending');
    element('asking').hidden = true;
    element('login').disabled = false;
    element('outcome').textContent = answer.state === 'approved' ? 'Welcome, Ada.' : answer.message;
    if (answer.state === 'approved') await orders();
  };
  element('logout').onclick = async () => {
    await post('/xlock/logout');
    location.reload();
  };
  const orders = async () => {
    const response = await fetch('/orders');
    element('inside').hidden = !response.ok;
    if (response.ok) element('orders').textContent = (await response.json()).orders.join(', ');
  };
  orders();
};

/** Files of the shop, by path: type and text. */
export const SHOP_FILES = {
  '/': ['text/html; charset=utf-8', PAGE],
  '/shop.css': ['text/css', STYLE],
  '/shop.js': ['text/javascript', `(${script})();`],
};
