/** The path with everything that may be an id as `:id`: words of letters stay, and versions such as `v2`. */
export const routeOf = (pathname: string): string =>
  pathname
    .split('/')
    .slice(0, 12)
    .map((segment) => (/^[A-Za-z][A-Za-z_.-]{0,31}\d{0,2}$|^$/.test(segment) ? segment : ':id'))
    .join('/');
