/** Text as case-insensitive attributes compare it: NFC, lower case by Unicode, nothing trimmed or cut. */
export const normalisedText = (text: string): string => text.normalize('NFC').toLowerCase();

/** The form in which two user names are the same person's (RFC 7643 §4.1.1: not case-exact). */
export const normaliseUserName = normalisedText;
