type Waiting<Q, A> = {
  question: Q;
  resolve: (answer: A | Promise<A>) => void;
  reject: (reason: unknown) => void;
};

/** How long a group waits for those who are expected. */
const PATIENCE_MS = 2;

/** Turns of the event loop for which a group waits while each of them brings somebody. */
const TURNS_MAX = 8;

/**
 * Lets calls share a statement. Whoever calls while others are under way waits and goes together with everybody who waits; whoever calls alone
 * goes at once. A call sees everything that was committed before it was made.
 */
export class SharedCalls<Q, A> {
  private waiting: Waiting<Q, A>[] = [];
  private underWay = 0;
  private isAboutToStart = false;
  private onTheirWay = 0;
  private patience: NodeJS.Timeout | undefined;

  /**
   * @param carryOut answers each question, in their order, or promises an answer; when it rejects, all who went together are rejected
   * @param limits `atOnce`: statements under way · `together`: calls in one of them
   */
  constructor(
    private readonly carryOut: (questions: readonly Q[]) => Promise<readonly (A | Promise<A>)[]>,
    private readonly limits: { atOnce: number; together: number },
  ) {}

  call(question: Q): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      this.waiting.push({ question, resolve, reject });
      this.startSoon();
    });
  }

  /**
   * Says that a call is on its way, so that those who are ready wait for it for a moment: few large groups cost less than many small ones.
   * @returns to be called when the call was made, or will not be made
   */
  expect(): () => void {
    let isExpected = true;
    this.onTheirWay += 1;
    return () => {
      if (!isExpected) return;
      isExpected = false;
      this.onTheirWay -= 1;
      this.startSoon();
    };
  }

  /** After what has arrived with this call was looked at too, and who is expected has come. */
  private startSoon(): void {
    if (this.waiting.length === 0 || this.isAboutToStart || this.underWay >= this.limits.atOnce) return;
    if (this.onTheirWay > 0 && this.waiting.length < this.limits.together) {
      this.patience ??= setTimeout(() => this.start(), PATIENCE_MS);
      return;
    }
    this.isAboutToStart = true;
    this.startAfterTurn(TURNS_MAX);
  }

  /** A process that is busy with arrivals goes on with them: nobody waits for a clock, and a group of many costs as much as one of few. */
  private startAfterTurn(turnsLeft: number): void {
    const before = this.waiting.length;
    setImmediate(() => {
      const isGrowing = this.waiting.length > before && this.waiting.length < this.limits.together;
      if (isGrowing && turnsLeft > 1) return this.startAfterTurn(turnsLeft - 1);
      this.isAboutToStart = false;
      this.start();
    });
  }

  private start(): void {
    clearTimeout(this.patience);
    this.patience = undefined;
    while (this.waiting.length > 0 && this.underWay < this.limits.atOnce) {
      this.underWay += 1;
      void this.go(this.waiting.splice(0, this.limits.together));
    }
  }

  private async go(group: readonly Waiting<Q, A>[]): Promise<void> {
    try {
      const answers = await this.carryOut(group.map(one => one.question));
      group.forEach((one, i) => one.resolve(answers[i] as A | Promise<A>));
    } catch (error) {
      for (const one of group) one.reject(error);
    } finally {
      this.underWay -= 1;
      this.startSoon();
    }
  }
}
