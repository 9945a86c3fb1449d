export type { JsonResponse as OwnAnswer } from './json-response.js';
