import { type ParseArgsConfig, parseArgs } from 'node:util'

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

/** The options and names on a command line, by Node's `parseArgs`. @throws UsageError if the command line is wrong */
export function readArgs<Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (problem) {
    throw new UsageError((problem as Error).message.split('. To specify', 1)[0]) // parseArgs throws nothing but TypeErrors
  }
}
