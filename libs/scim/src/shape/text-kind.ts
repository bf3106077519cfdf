const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** What kind of text a value is, as far as it tells how to read it: identity providers put many things in quotes. */
export function textKind(text: string): string {
  if (text === '') return 'empty string';
  if (/^(true|false)$/i.test(text)) return 'boolean in a string';
  if (/^-?\d{1,20}$/.test(text)) return 'number in a string';
  if (/^\s*[[{]/.test(text)) return 'JSON in a string';
  return DATE_TIME.test(text) ? 'dateTime' : 'string';
}
