import { describeRows } from './describe-rows.js';
import { KOA } from './rows/koa.js';

describeRows(KOA);
