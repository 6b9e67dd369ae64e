/** What a command ends with when it is not done; docs/cli.md has the table. */
export const EXIT = {
  failed: 1,
  wrongUse: 2,
  settings: 3,
  notAllowed: 4,
  notFound: 5,
  conflict: 6,
  away: 7,
  /** As shells have it after Ctrl-C. */
  interrupted: 130,
} as const;
