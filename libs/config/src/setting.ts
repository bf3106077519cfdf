import type { z } from 'zod';

/** One declared setting: the variable it comes from, what it means, how it is checked, and whether it is a secret. */
export type Setting<T extends z.ZodType = z.ZodType> = {
  env: string;
  text: string;
  schema: T;
  secret?: boolean;
};

/** Declared settings of one process, by the name the code uses. */
export type Settings = Readonly<Record<string, Setting>>;

/** The typed configuration that follows from declared settings. */
export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: z.infer<S[K]['schema']> };

/** Declares a setting. Secrets must not have a default in their schema; they may also come from a file, named by `ENV_FILE`. */
export function setting<T extends z.ZodType>(
  env: string,
  text: string,
  schema: T,
  o: { secret?: boolean } = {},
): Setting<T> {
  return { env, text, schema, ...(o.secret && { secret: true }) };
}
