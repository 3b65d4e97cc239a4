import type { FAULTS } from './fault-names'
import type { FaultEndpoint, PlaceKind } from './types'

/** The texts of an emulator's pages; the provider's own words are not translated. */
export interface Texts {
  language: string
  note(provider: string): string
  emulator(provider: string): string
  /** A provider's name in this language. */
  title(provider: string): string
  scan(provider: string): string
  wants(provider: string): string
  app: string
  /** With the language's colon. */
  labelled(label: string, text: string): string
  asksFor: string
  untick: string
  place: Record<PlaceKind, string>
  noProject: string
  placeHint: Record<PlaceKind, string>
  continueAs(name: string): string
  chooseUser: string
  noEmail: string
  deny: string
  fail: string
  failHint: string
  step: string
  nothingFails: string
  steps: Record<FaultEndpoint, string>
  how: string
  code: string
  codeHint: string
  groups: Record<'way' | 'body' | 'content' | 'refusal', string>
  faults: Record<(typeof FAULTS)[number], string>
  refuses(provider: string): string
  /** For a page that posts itself to the app. */
  backToApp(provider: string): string
  goOn: string
  /** For a refusal that does not reach the app. */
  stays(provider: string): string
  entryTitle(provider: string): string
  entryHint: string
  entryAddress: string
  topupTitle(provider: string): string
  balance: string
  pay(amount: string): string
  /** What is wrong with a request, if no text of the provider's is known. */
  wrong: {
    noUser(ids: readonly string[]): string
    noChoice: Record<'scope' | 'project', string>
    noStep(name: string): string
    noFault(name: string): string
    repeated(name: string): string
    mustBe(name: string, value: string): string
    notRegistered(name: string): string
    notValid(name: string): string
    scopesByComma: string
    notSetUp: string
    entryAddress: string
    startAddress: string
  }
}

/** A text of the provider's, which is not translated, or a text of ours. */
export type Why = string | ((texts: Texts) => string)

/** The languages of an emulator's pages. */
export type Language = 'en' | 'zh'

/** The language that comes first in `Accept-Language` (RFC 9110, section 12.5.4); English by default. */
export function languageOf(header: string | undefined): Language {
  const wishes = (header ?? '').split(',').map((item) => {
    const [range = '', ...params] = item.trim().toLowerCase().split(';')
    const q = params.map((param) => /^\s*q=([\d.]+)\s*$/.exec(param)?.[1]).find((value) => value !== undefined)
    return { language: range.split('-', 1)[0], weight: Number(q ?? 1) }
  })
  const weight = (wanted: Language) =>
    Math.max(0, ...wishes.filter(({ language }) => language === wanted).map((wish) => wish.weight))
  return weight('zh') > weight('en') ? 'zh' : 'en'
}
