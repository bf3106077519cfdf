import type { Stage, Step } from '@sever/event-contracts';

/** What is known of one step in one instance from the `outcomes` topic alone. */
export type StepFacts = {
  /** `refused` and `unsupported` are ends without effect; a person or a waiver decides. */
  state: 'acted' | 'verified' | 'failed' | 'unsupported' | 'restored';
  actedAt: string | null;
  verifiedAt: string | null;
  residualAccessUntil: string | null;
};

/** The latest failure of an instance that still stands in its way. */
export type Trouble = {
  next: 'retry' | 'park' | 'continue';
  code: string;
  /** Event type of the failure. */
  type: string;
  stage: Stage;
  step: Step | null;
  since: string;
  dueAt: string | null;
};

/** One instance's part in one opt-out as a fold of the `outcomes` topic alone; plain JSON. */
export type OutcomeState = {
  optOutId: string;
  instance: string;
  system: string;
  account: 'unknown' | 'adopted' | 'none';
  accountAt: string | null;
  steps: Partial<Record<Step, StepFacts>>;
  /** Stage of the latest outcome. */
  stage: Stage;
  /** When the instance had nothing left to do in a stage. Forgotten when work of the stage begins again. */
  finished: Partial<Record<Stage, string>>;
  trouble: Trouble | null;
  lastOutcomeAt: string;
};
