import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Request, Response } from 'express'

let script: string | undefined

/**
 * `passport-dialects/popup` for the browser. Your own app would bundle it; here it is compiled at the first request.
 */
export async function popupHelper(_req: Request, res: Response): Promise<void> {
  script ??= await translated(join(__dirname, '../popup/index.ts'))
  res.type('js').send(script)
}

async function translated(path: string): Promise<string> {
  const { default: ts } = await import('typescript')
  const compilerOptions = {
    module: ts.ModuleKind.ES2022,
    target: ts.ScriptTarget.ES2022,
    removeComments: true,
  }
  return ts.transpileModule(readFileSync(path, 'utf8'), { compilerOptions }).outputText
}
