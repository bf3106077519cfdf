import picocolors from 'picocolors';

/**
 * Colours for standard output where it is a terminal that shows them (Node asks NO_COLOR, FORCE_COLOR and TERM).
 * picocolors by itself would also colour a file or a pipe on every machine that sets CI.
 */
export const colors = picocolors.createColors(process.stdout.isTTY === true && process.stdout.hasColors());
