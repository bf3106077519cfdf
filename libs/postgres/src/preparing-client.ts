import { createHash } from 'node:crypto';
import { Client, type ClientConfig } from 'pg';

/** Texts that one connection keeps prepared; the statements of a process are fewer, and a text made on the fly must not fill the server. */
const STATEMENTS_MAX = 300;

type AnyQuery = (config: unknown, values?: unknown, callback?: unknown) => unknown;

/**
 * A connection that prepares every statement with parameters under a name: the server parses and plans it once, which for small
 * statements is most of their cost. A pooler in front must keep prepared statements (PgBouncer 1.21 or newer does).
 */
export class PreparingClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    const known = new Map<string, Known>();
    const plain = this.query.bind(this) as AnyQuery;
    const prepared: AnyQuery = (config, values, callback) => {
      if (typeof config !== 'string' || !Array.isArray(values) || values.length === 0)
        return plain(config, values, callback);
      const name = nameOf(known, config);
      return name === undefined
        ? plain(config, values, callback)
        : plain({ name, text: config, values }, callback);
    };
    this.query = prepared as typeof this.query;
  }
}

/** A text and how often this connection has sent it. */
type Known = { digest: string; uses: number };

/**
 * The name under which a text is prepared: another one after 10, 100, 1,000 … uses. The server keeps the plan that it made for a name; made
 * while a table was small, it reads the whole table, and the more is written the slower it gets. So a plan is never much older than the data.
 */
function nameOf(known: Map<string, Known>, text: string): string | undefined {
  let one = known.get(text);
  if (!one) {
    if (known.size >= STATEMENTS_MAX) return undefined;
    one = { digest: createHash('sha256').update(text).digest('hex').slice(0, 32), uses: 0 };
    known.set(text, one);
  }
  one.uses += 1;
  return `${one.digest}_${String(one.uses).length}`;
}
