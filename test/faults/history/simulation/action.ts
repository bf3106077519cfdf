/** What a client asks for in the simulation. */
export type Action = 'cut' | 'restore';
