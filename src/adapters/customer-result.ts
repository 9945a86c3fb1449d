// What a validator returns that forgot to take the customer out of the answer of its database or service. It is there
// whether the key is good or not.

type Members = Readonly<Record<string, unknown>>;

/** Where an answer has its rows: node-postgres, SQL Server, Neo4j, D1, Firestore, DynamoDB, MongoDB and services. */
const ROWS = 'rows recordset recordsets records results docs documents hits items Items'.split(' ');
/** What an answer says of itself, and a customer never; also a column without a name, such as `count(*)`. */
const COUNTS =
  /^(count|rowCount|rowsAffected|affectedRows|lastInsertRowid|matchedCount|\$metadata|statusText|statusCode)$|\(/;
/** Methods of a query that was not carried out, of a cursor and of a statement. */
const QUERIES = 'toArray exec execute executeTakeFirst getOne getRawOne iterate'.split(' ');

/** What a customer is called by. */
const NAMES =
  /^(_?id|name|email|login|username|sub|slug|((api_?)?client|customer|user|tenant|account|org|organization|company|team|member|owner|partner|project)(_?(id|name))?)$/i;

/** Whether it is such an answer: it names nobody, and holds what only answers hold. */
export const isResult = (answer: object, members: Members): boolean =>
  Symbol.asyncIterator in answer ||
  Symbol.iterator in answer ||
  (!namesSomebody(members) &&
    (ROWS.some((name) => areRows(members[name])) ||
      Object.keys(members).some((name) => COUNTS.test(name)) ||
      QUERIES.some((name) => typeof members[name] === 'function') ||
      holdsNoData(members)));

const namesSomebody = (members: Members): boolean =>
  Object.entries(members).some(([name, value]) => NAMES.test(name) && isName(value));

const isName = (value: unknown): boolean =>
  typeof value === 'number' ||
  typeof value === 'bigint' ||
  (typeof value === 'object' ? value !== null : isText(value));

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** None, or some: a list of texts is no list of rows. */
const areRows = (value: unknown): boolean =>
  Array.isArray(value) && value.every((row) => typeof row === 'object' && row !== null);

/** `data` that is nothing or a list, or beside an `error` or `errors`, even if there is none: Supabase, GraphQL. */
const holdsNoData = (members: Members): boolean =>
  'data' in members &&
  (members['data'] === null || areRows(members['data']) || 'error' in members || 'errors' in members);
