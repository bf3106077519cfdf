import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { sql } from './clients.js';

/** A text in the forms in which it could have been written down. */
const formsOf = (text: string): Buffer[] => [
  Buffer.from(text),
  Buffer.from(Buffer.from(text).toString('hex')),
  Buffer.from(Buffer.from(text).toString('base64').slice(0, -4)),
];

/** Tables of a database in which a text stands, in a column of any type. */
export async function tablesWith(databaseUrl: string, text: string): Promise<string[]> {
  const tables = await sql<{ name: string }>(
    databaseUrl,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql(
      databaseUrl,
      `select 1 from ${name} as line where exists (select from unnest($1::text[]) form where position(form in line::text) > 0) limit 1`,
      [formsOf(text).map(String)],
    );
    if (rows.length > 0) found.push(name);
  }
  return found;
}

/** Files below a folder in which a text stands: logs, and what a database keeps there. Files that vanish meanwhile are passed over. */
export function filesWith(folder: string, text: string): string[] {
  const forms = formsOf(text);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name))
    .filter(file => {
      const bytes = contentOf(file);
      return forms.some(form => bytes.includes(form));
    });
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}
