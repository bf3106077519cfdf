/** Number of a check; the numbers are those of the connector contract and never change their meaning. */
export type CheckId = `C${number}${number}`;
