import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The form in which the files of a project are written. */
export interface Form {
  language: 'ts' | 'js'
  /** ES modules, if its package.json says so; otherwise CommonJS. */
  modules: boolean
  runner: 'vitest' | 'jest' | 'node:test'
}

/**
 * Finds the form of the project that contains a folder.
 * @param language used instead of the language that is found
 * @throws Error naming a package.json that cannot be read
 */
export function formAt(folder: string, language?: Form['language']): Form {
  const folders = upwards(folder)
  const manifests = folders
    .map((one) => join(one, 'package.json'))
    .filter(existsSync)
    .map(readManifest)
  const runners = manifests.flatMap(({ dependencies, devDependencies }) => {
    const names = { ...dependencies, ...devDependencies }
    return (['vitest', 'jest'] as const).filter((runner) => Object.hasOwn(names, runner))
  })
  const found = folders.some((one) => existsSync(join(one, 'tsconfig.json'))) ? 'ts' : 'js'
  return {
    language: language ?? found,
    modules: manifests[0]?.type === 'module',
    runner: runners[0] ?? 'node:test',
  }
}

/** The folder and all its parents, the nearest first. The folder need not exist yet. */
function upwards(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...upwards(parent)]
}

interface Manifest {
  type?: unknown
  dependencies?: object
  devDependencies?: object
}

function readManifest(file: string): Manifest {
  try {
    return JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, '')) ?? {}
  } catch (problem) {
    throw new Error(`${file} can't be read: ${(problem as Error).message}`) // readFileSync and parse throw Errors
  }
}
