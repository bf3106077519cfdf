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
    const names = new Map<string, string>();
    const plain = this.query.bind(this) as AnyQuery;
    const prepared: AnyQuery = (config, values, callback) => {
      if (typeof config !== 'string' || !Array.isArray(values) || values.length === 0)
        return plain(config, values, callback);
      const name = nameOf(names, config);
      return name === undefined
        ? plain(config, values, callback)
        : plain({ name, text: config, values }, callback);
    };
    this.query = prepared as typeof this.query;
  }
}

function nameOf(names: Map<string, string>, text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= STATEMENTS_MAX) return known;
  const name = createHash('sha256').update(text).digest('hex').slice(0, 32);
  names.set(text, name);
  return name;
}
