import { EMULATOR_NAMES, titlesOf } from 'passport-dialects/emulators'
import type { Texts } from '../texts-en'

/** Simple marks of our own drawing, nobody's logo: one path each, in a box of 24 by 24. */
const MARKS: Readonly<Record<string, string>> = {
  // a speech bubble with a tail
  tailchat: 'M5 5h14a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-6l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2ZM8 9h8M8 12h5',
  // a board with three columns
  tapd: 'M4 4h16v16H4ZM9.3 4v16M14.7 4v16M6 8h1.5M11.3 8h1.5M11.3 11h1.5M16.7 8h1.5M16.7 11h1.5M16.7 14h1.5',
  // a cloud
  bbscloud: 'M7 18h10a4 4 0 0 0 .6-7.95A6 6 0 0 0 6.2 11.1 3.5 3.5 0 0 0 7 18Z',
  // a film strip
  tiktok: 'M3 6h18v12H3ZM7 6v12M17 6v12M3 10h4M3 14h4M17 10h4M17 14h4M10.5 9.5v5l4-2.5Z',
  // a hub and its spokes
  aihubmix:
    'M12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM12 9.2V4M12 14.8V20M14.4 10.6l4.5-2.6M9.6 13.4 5.1 16M9.6 10.6 5.1 8M14.4 13.4l4.5 2.6',
  // a paper plane
  feishu: 'M3 11.5 21 4l-5 16-5-6.5ZM11 13.5 21 4',
  // one tap
  'aihubmix-one-click': 'M13 3 5 13.5h6L10 21l8-10.5h-6Z',
}

/** A provider's mark. Without one, the first letters of its title, in a colour derived from its name. */
export function markOf(name: string, title = name): string {
  const path = own(MARKS, name)
  const [first = '', second = ''] = title
  const letters = /[\u2e80-\u9fff]/.test(first) ? first : first.toUpperCase() + second
  const inside = path
    ? `<svg viewBox="0 0 24 24" width="22" height="22" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" focusable="false"><path d="${path}"/></svg>`
    : ''
  const kind = path ? `class="mark ${name}"` : `class="mark tone-${toneOf(name)}" data-letters="${escapeHtml(letters)}"`
  return `<span ${kind} aria-hidden="true">${inside}</span>`
}

const TONES = 6

function toneOf(name: string): number {
  return [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % TONES
}

/** The words that find a provider in the search: its name, and its titles in both languages. */
export function searchWords(name: string): string[] {
  const known = EMULATOR_NAMES.find((one) => one === name)
  return known ? [name, ...Object.values(titlesOf(known))] : [name]
}

/** A provider's title in the page's language: from the page's texts, else its own. */
export function titleOf(name: string, { lang, titles }: Texts): string {
  const known = EMULATOR_NAMES.find((one) => one === name)
  return own(titles, name) ?? (known ? titlesOf(known)[lang === 'zh' ? 'zh' : 'en'] : name)
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
