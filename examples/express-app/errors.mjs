/** An error that the caller may read. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @type {import('express').RequestHandler} */
export const notFound = () => {
  throw new ApiError(404, 'There is nothing here.');
};

/**
 * Every error leaves as problem+json (RFC 9457), as the refusals of xLink do. What is our own fault stays in our log.
 * @type {import('express').ErrorRequestHandler}
 */
export const errorHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const status = error.status >= 400 && error.status < 500 ? error.status : 500;
  if (status === 500) console.error(error);
  const title = status === 500 ? 'Something went wrong on our side.' : error.message;
  res.status(status).type('application/problem+json').json({ title, status });
};
