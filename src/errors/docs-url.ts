import type { ErrorCategory, ErrorId } from './table.js';

/** README.md is published here, docs/NAME.md at /NAME below; both have an anchor for each link made in this file. */
const DOCS_URL = 'https://xail.io/docs/packages/xlink';

/** Where the errors of a category are documented. */
export const docUrlOf = (category: ErrorCategory): string => `${DOCS_URL}#${category}`;

/** The `type` of a problem document (RFC 9457 section 3.1.1): the row of the error in docs/errors.md. */
export const problemTypeOf = (id: ErrorId): string => `${DOCS_URL}/errors#${id}`;
