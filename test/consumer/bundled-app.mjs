import assert from 'node:assert';
import * as xlink from '@private.me/xlink';
import allVersions from './all-versions.cjs';

allVersions(assert, xlink).then(() => console.log('all sent'));
