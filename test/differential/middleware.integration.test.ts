import { describeRows } from './describe-rows.js';
import { MIDDLEWARE } from './rows/middleware.js';

describeRows(MIDDLEWARE);
