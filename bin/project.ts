import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** In which form the files of a project are written. */
export interface Form {
  language: 'ts' | 'js'
  /** ES modules, by its package.json; else CommonJS. */
  modules: boolean
  runner: 'vitest' | 'jest' | 'node:test'
}

/**
 * The form that the project round a folder has.
 * @param language in place of the one that is found
 * @throws Error naming a package.json that can't be read
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

/** The folder and all round it, the nearest first; it need not be there yet. */
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
