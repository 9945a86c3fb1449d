// A process that loads the package both ways must get the same classes, or instanceof fails and caches split.
const assert = require('node:assert');
const required = require('@private.me/xlink');

import('@private.me/xlink').then((imported) => {
  assert.ok(Object.keys(required).length > 0);
  for (const name of Object.keys(required)) {
    assert.equal(required[name], imported[name], `${name} exists twice`);
  }
  assert.equal(typeof required.Agent, 'function');
});
