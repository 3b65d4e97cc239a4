/** One command of the command line. */
export interface Command {
  /** One line for the overview of the commands. */
  summary: string
  /**
   * @returns the exit code
   * @throws UsageError if the command line is wrong; any other Error if the command failed
   */
  run(args: string[]): Promise<number>
}

/** The command line is wrong: the exit code is 2, and the message points to `--help`. */
export class UsageError extends Error {
  override name = 'UsageError'
}
