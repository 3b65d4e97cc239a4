/** One command of the command line. */
export interface Command {
  /** A line for the overview. */
  summary: string
  /**
   * @returns the exit code
   * @throws UsageError where the command line is wrong, any other Error where it could not be done
   */
  run(args: string[]): Promise<number>
}

/** The command line is wrong: exit code 2, and a hint at `--help`. */
export class UsageError extends Error {
  override name = 'UsageError'
}
