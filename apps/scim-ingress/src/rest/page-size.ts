import { HttpProblem } from '../http-problem.js';

/** The `limit` of a list: what is asked for, at most `max`. @throws HttpProblem 400 `request.invalid` */
export function pageSize(limit: string | undefined, { usual, max }: { usual: number; max: number }): number {
  const size = limit === undefined ? usual : Number(limit);
  if (!Number.isInteger(size) || size < 1)
    throw new HttpProblem(400, 'request.invalid', 'limit must be a positive integer');
  return Math.min(size, max);
}
