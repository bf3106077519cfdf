/**
 * Where a store keeps one attribute outside its document. `sql` is an expression of the store's own text, never of a request's:
 * - `text`: a text column; `isFolded` when it holds the normalised form (`normaliseUserName`) of a case-insensitive attribute
 * - `uuid`: a uuid column that is shown as lower-case text
 * - `boolean`: a boolean column
 * - `timestamp`: a timestamptz column that is shown with milliseconds
 * - `texts`: a text[] column that repeats all values of a multi-valued attribute in their folded form; it answers `eq` from an index
 * - `json`: a jsonb expression of the value itself
 */
export type SqlColumn =
  | { kind: 'text'; sql: string; isFolded?: boolean }
  | { kind: 'uuid' | 'boolean' | 'timestamp' | 'texts' | 'json'; sql: string };

/**
 * A table of resources: the jsonb column with each resource in canonical form, and own columns by attribute path
 * (`userName`, `meta.created`, `emails.value`, `urn:…:User:employeeNumber`; spelled as in the schema).
 */
export type SqlStore = { document: string; columns: Readonly<Record<string, SqlColumn>> };

/** Values of a statement in order; {@link bind} gives the placeholder. */
export class SqlParameters {
  readonly values: unknown[];
  constructor(values: readonly unknown[] = []) {
    this.values = [...values];
  }

  bind(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** A text literal of SQL; for names of schemas, never for values of requests. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Text as case-insensitive attributes compare it: what `normalisedText` does, by the same Unicode rules. */
export const foldSql = (text: string): string => `lower(normalize(${text}, NFC) collate "und-x-icu")`;
