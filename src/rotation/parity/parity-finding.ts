/** What the logins of a rotation are. */
export interface ParityLogins {
  /** The login in use; a slot, or a role that was adopted. */
  readonly current: string;
  /** The slot that is next. */
  readonly standby: string;
  readonly slots: { readonly a: string; readonly b: string };
  /** What a slot acts as. */
  readonly app: string;
  readonly owner: string;
  /** How many connections the standby has to take; unknown when absent. */
  readonly connections?: number;
}

/** A difference that a consumer could feel when it changes from one login to the other. */
export interface ParityFinding {
  /** Kebab-case and stable. */
  readonly fault: string;
  /** `refuse`: requests may fail after the shift. `warn`: worth knowing. */
  readonly severity: 'refuse' | 'warn';
  readonly message: string;
  /** SQL for the admin. Empty: a person has to think. */
  readonly mend: readonly string[];
}
