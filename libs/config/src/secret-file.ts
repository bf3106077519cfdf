import { readFileSync } from 'node:fs';
import type { Setting } from './setting.js';

/** What a variable says, or why it cannot be used. An empty variable counts as not set. */
export type RawValue = { value: string | undefined } | { problem: string };

/**
 * The text of a setting. A secret `NAME` may come as `NAME_FILE` instead: the path of a file that holds it, as container
 * platforms deliver secrets. Line ends at the end of the file do not belong to the value.
 */
export function rawValue({ env: variable, secret }: Setting, env: NodeJS.ProcessEnv): RawValue {
  const value = env[variable] || undefined;
  const fileVariable = `${variable}_FILE`;
  const file = secret ? env[fileVariable] || undefined : undefined;
  if (file === undefined) return { value };
  if (value !== undefined) return { problem: `is set, and so is ${fileVariable}; keep one of them` };
  try {
    return { value: readFileSync(file, 'utf8').replace(/[\r\n]+$/, '') || undefined };
  } catch (error) {
    return { problem: `${fileVariable} names ${file}, which cannot be read (${codeOf(error)})` };
  }
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
