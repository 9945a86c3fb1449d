import { describeRows } from './describe-rows.js';
import { REQUESTS } from './rows/requests.js';

describeRows(REQUESTS);
