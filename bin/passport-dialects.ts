#!/usr/bin/env node
import { type Command, UsageError } from './command'
import { emulate } from './emulate'
import { newProvider } from './new'
import { registerApp } from './register-app'

/** Each command has its own file, and a line here. */
const COMMANDS: Readonly<Record<string, Command>> = {
  emulate,
  new: newProvider,
  'register-app': registerApp,
}

/** Exit code 2: the command line is wrong. Exit code 1: the command failed. */
async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const output = name === undefined ? process.stderr : process.stdout
    output.write(overview())
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  try {
    if (!command) {
      throw new UsageError(`There is no command ${name}; there are ${Object.keys(COMMANDS).join(', ')}.`)
    }
    return await command.run(args)
  } catch (problem) {
    const isUsage = problem instanceof UsageError
    const hint = isUsage ? `\nTry: passport-dialects ${command ? `${name} ` : ''}--help` : ''
    process.stderr.write(`${problem instanceof Error ? problem.message : String(problem)}${hint}\n`)
    return isUsage ? 2 : 1
  }
}

function version(): string {
  const { version } = require('passport-dialects/package.json') as { version: string } // its own
  return version
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`)
  return `Usage: passport-dialects <command> [options]\n\n${lines.join('\n')}\n\nEach has a --help of its own.\n`
}

// The reader of the output may stop reading (`| head`): then exit.
for (const output of [process.stdout, process.stderr]) output.on('error', () => process.exit(1))

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
