import { invalidFilter } from '../scim-error.js';

export type Token = { kind: 'word' | 'string' | '(' | ')' | '[' | ']'; text: string };

/** Characters that end a bare word. */
const BREAKS = new Set([' ', '\t', '(', ')', '[', ']', '"']);

/** Splits a filter into tokens. A word is an attribute path, an operator or a bare literal. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let i = 0;
  while (i < text.length) {
    const char = text.charAt(i);
    if (char === ' ' || char === '\t') i += 1;
    else if (char === '(' || char === ')' || char === '[' || char === ']') {
      tokens.push({ kind: char, text: char });
      i += 1;
    } else if (char === '"') {
      const end = closingQuote(text, i);
      tokens.push({ kind: 'string', text: unquote(text.slice(i, end + 1)) });
      i = end + 1;
    } else {
      let end = i;
      while (end < text.length && !BREAKS.has(text.charAt(end))) end += 1;
      tokens.push({ kind: 'word', text: text.slice(i, end) });
      i = end;
    }
  }
  return tokens;
}

function closingQuote(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i += 1) {
    if (text.charAt(i) === '\\') i += 1;
    else if (text.charAt(i) === '"') return i;
  }
  throw invalidFilter('a string in the filter is not closed');
}

function unquote(quoted: string): string {
  try {
    const value: unknown = JSON.parse(quoted);
    if (typeof value === 'string' && !value.includes('\0') && value.isWellFormed()) return value;
  } catch {
    // Reported below: not a JSON string.
  }
  throw invalidFilter('a string in the filter is not a valid JSON string');
}
