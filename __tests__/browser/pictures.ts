import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

const FOLDER = join(__dirname, '../../docs/images')

/** The pictures that are kept of all that the tests pass by. */
const KEPT = new Set([
  'sign-in-desktop-light',
  'sign-in-desktop-dark',
  'sign-in-phone-dark',
  'failure-phone-light',
  'consent-phone-dark',
  'account-desktop-light',
  'account-desktop-dark',
  'account-phone-light',
  'inside-tapd-desktop-light',
])

/** A picture for docs/images, only where `UPDATE_IMAGES` is set: an ordinary run leaves the files alone. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (!process.env.UPDATE_IMAGES || !KEPT.has(name)) return
  mkdirSync(FOLDER, { recursive: true })
  await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true, animations: 'disabled' })
}
