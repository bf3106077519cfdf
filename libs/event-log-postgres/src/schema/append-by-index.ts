/**
 * Appends look ids up by their index, whatever the server last saw of the tables. A session plans the look once; planned while the log was tiny, it read
 * all of the log for every record until the server looked at the table again, a minute or more into the first import.
 */
export const appendByIndex = [
  `alter function log_append(text[], int[], uuid[], text[], text[], text[], bytea[]) set enable_seqscan = off`,
];
