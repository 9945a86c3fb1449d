import type { HttpResponse } from '../../http/decision.js';
import type { OnRefusal } from '../refusal-options.js';
import type { BodyHolder, NodeRequest, NodeResponse } from './types.js';

/** A request and its response, as a framework hands them over: all that differs between frameworks is in here. */
export interface FrameworkContext {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  /** The object that handlers know the request by; Node's, where the framework has none of its own. */
  readonly request: object;
  /** Path and query as the client sent them. */
  readonly target: string;
  /** What routers cut off in front of it, where that does not follow from the target. */
  readonly mount?: string;
  /** Whether the middleware stands on a single route, where that can be told. */
  readonly isOnRoute?: boolean;
  /** Where parsers leave bodies, and handlers look for them: the first is the framework's own. */
  readonly bodies: readonly BodyHolder[];
  /** Whether its parsers do nothing where there is a body already. Default: no. */
  readonly parsersSkip?: boolean;
  /** Template of the route that served the request; asked for when the response is over. */
  readonly route: () => string | undefined;
  /** Answers refusals in the API's own way, those of guards included. */
  readonly onRefusal?: OnRefusal | undefined;
  /** Writes an answer in the place of the handler's. */
  readonly answer: (answer: HttpResponse) => void;
  /** Where handlers look for `auth` and `agentMessage`. */
  readonly shownIn: { auth?: unknown; agentMessage?: unknown };
}
