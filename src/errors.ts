// What the errors of packages that build on this one are made of.
export { TableError, type TableErrorDetails, type TableRow, tableRow } from './errors/table-error.js';
