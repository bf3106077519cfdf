/** Time from the first of `total` records to the last, with the progress of a stage of this name. */
export function stopWatch(progress, name, total) {
  const finished = Promise.withResolvers();
  // Whoever fails before it is waited for is heard then.
  finished.promise.catch(() => undefined);
  let began;
  let report;
  let seen = 0;
  let said = 0;
  const start = () => {
    began ??= performance.now();
    report ??= progress.stage(name, total);
  };
  return {
    /** Seconds, once all are counted. */
    finished: finished.promise,
    fail: finished.reject,
    start,
    count(records) {
      start();
      seen += records;
      if (seen === total) finished.resolve((performance.now() - began) / 1_000);
      if (seen > total) finished.reject(new Error(`${seen} records came, ${total} were expected`));
      // Asking the time for every record would be measured too.
      if (seen - said < REPORT_EVERY) return;
      said = seen;
      report(seen);
    },
  };
}

const REPORT_EVERY = 5_000;
