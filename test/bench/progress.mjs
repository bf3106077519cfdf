/** Says on standard error how far a benchmark is: at most once a second per stage, with rate and time left. */
export function createProgress(name) {
  const say = text => process.stderr.write(`${name}: ${text}\n`);
  /** A stage of `total` pieces; the returned function is told how many are done. */
  say.stage = (what, total) => {
    const began = performance.now();
    let said = began;
    return done => {
      const now = performance.now();
      if (now - said < 1_000 && done < total) return;
      said = now;
      const rate = done / ((now - began) / 1_000);
      const left = done < total ? `, ${Math.ceil((total - done) / rate)} s left` : '';
      say(`${what}: ${done} of ${total}, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s${left}`);
    };
  };
  return say;
}
