/** Why a staged opt-out needs a person. */
export const STAGED_NEED = {
  code: 'governor.staged',
  instance: null,
  step: null,
  nextAction:
    'held because its source opts out unusually many people: find out whether that is meant, then approve or reject it',
} as const;
