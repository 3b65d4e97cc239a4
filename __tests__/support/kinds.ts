/** Of the kit's checks by their names, what `npm test` strikes where the rest differs in no kind. */
const FAULTS =
  /^(reset|drip|html|split-utf8|wrong-types|missing-token|expires-text|gzip-bomb|redirect|http-403|http-500|refused) at /
/** A refresh reads its answer as a login does. */
const AT_REFRESH = /^(silent|invalid-utf8|missing-token|http-429|refused) at refresh /
/** By the name of a check or of the forgery alone. */
const FORGERIES =
  /^(alg-none|other-key|changed-claims|other-aud|other-iss|other-nonce|expired|no-sub|other-sub|no-id-token)( |$)/

export const isOfEachKind = (check: string) => FAULTS.test(check)
export const isOfEachKindAtRefresh = (check: string) => AT_REFRESH.test(check)
export const isForgeryOfEachKind = (name: string) => FORGERIES.test(name)
