const STYLE = `
:root{color-scheme:light dark;--ground:#f4f4f5;--card:#fff;--ink:#18181b;--soft:#52525b;--line:#8a8a94;--faint:#e4e4e7;
--accent:#1d4ed8;--hover:#eef2ff;--warn:#713f12;--warn-ground:#fef3c7;--stripe:#f59e0b}
@media (prefers-color-scheme:dark){:root{--ground:#101013;--card:#1b1b20;--ink:#f4f4f5;--soft:#b4b4bd;--line:#73737e;
--faint:#33333b;--accent:#93b4ff;--hover:#23263a;--warn:#fde68a;--warn-ground:#33270d;--stripe:#b45309}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans CJK SC",sans-serif}
.note{margin:0;padding:.6rem 1rem;background:var(--warn-ground);color:var(--warn);text-align:center;font-size:.9rem;font-weight:600;
border-bottom:6px solid;border-image:repeating-linear-gradient(135deg,var(--stripe) 0 10px,transparent 10px 20px) 6}
main{max-width:30rem;margin:1.5rem auto;padding:1.5rem;background:var(--card);border:1px solid var(--faint);border-radius:.9rem}
h1{margin:0 0 .5rem;font-size:1.3rem;line-height:1.3;text-wrap:balance}
p{margin:.25rem 0}
code{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.9em;overflow-wrap:anywhere}
.soft,small{color:var(--soft);font-size:.875rem}
form{display:grid;gap:1.25rem;margin-top:1.25rem}
fieldset{min-width:0;margin:0;padding:0;border:0}
legend,.label{display:block;padding:0;margin-bottom:.4rem;font-weight:600}
ul{margin:0;padding-left:1.2rem}
.check{display:flex;gap:.6rem;align-items:center;min-height:2.75rem;border-top:1px solid var(--faint)}
.check:first-of-type{border-top:0}
input[type=checkbox]{flex:none;width:1.2rem;height:1.2rem;margin:0;accent-color:var(--accent)}
select,input[type=text],input[type=url]{width:100%;min-height:2.75rem;padding:.4rem .6rem;font:inherit;color:inherit;background:var(--card);
border:1px solid var(--line);border-radius:.5rem}
.hint{margin:.3rem 0 0;color:var(--soft);font-size:.875rem}
details{border:1px solid var(--faint);border-radius:.6rem}
summary{padding:.65rem .8rem;min-height:2.75rem;cursor:pointer;border-radius:.6rem}
details[open] summary{border-bottom:1px solid var(--faint);border-radius:.6rem .6rem 0 0}
.fields{display:grid;gap:.9rem;padding:.8rem}
.buttons{display:grid;gap:.5rem}
button{display:flex;gap:.75rem;align-items:center;width:100%;min-height:3.25rem;padding:.45rem .8rem;font:inherit;color:inherit;
text-align:left;background:var(--card);border:1px solid var(--line);border-radius:.6rem;cursor:pointer}
button:hover{background:var(--hover);border-color:var(--accent)}
button .who{min-width:0;overflow-wrap:anywhere}
button small{display:block}
.mark{flex:none;display:grid;place-items:center;width:2.2rem;height:2.2rem;border-radius:50%;background:var(--faint);font-weight:600}
.brand{display:flex;gap:.6rem;align-items:center;margin:-1.5rem -1.5rem 1.25rem;padding:.7rem 1.5rem;border-radius:.85rem .85rem 0 0;
background:var(--brand);color:#fff;font-weight:600}
.brand span{flex:none;display:grid;place-items:center;width:1.9rem;height:1.9rem;border-radius:.5rem;background:#fff;color:var(--brand)}
.scan{margin:1rem 0 0;text-align:center}
.scan svg{width:11rem;height:11rem;border:1px solid var(--faint);border-radius:.6rem}
.scan p{margin-top:.5rem;text-wrap:balance}
button.deny,button.plain{justify-content:center;text-align:center;font-weight:600}
.error{padding:.7rem .8rem;border-left:4px solid var(--stripe);background:var(--ground);overflow-wrap:anywhere}
.amount{font-size:2rem;font-weight:600;font-variant-numeric:tabular-nums}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:34rem){main{margin:0;border:0;border-radius:0;padding:1.25rem 1rem 2rem;min-height:80vh}body{background:var(--card)}
.brand{margin:-1.25rem -1rem 1.25rem;padding:.7rem 1rem;border-radius:0}}
`

/**
 * The style sheet of a page. Its hash is in the page's content security policy.
 * @param accent the provider's own colour, if its page shows one
 * @throws TypeError if it is not a colour of six hex digits: anything else could contain other styles
 */
export function styleOf(accent?: string): string {
  if (accent === undefined) return STYLE
  if (!/^#[\da-f]{6}$/i.test(accent)) throw new TypeError(`accent must be a colour such as #1d4ed8, not ${accent}.`)
  const light = `:root{--brand:${accent};--accent:${accent};--hover:color-mix(in srgb,${accent} 9%,#fff)}`
  // A dark colour would not be visible on a dark background.
  const dark = `--accent:color-mix(in srgb,${accent} 45%,#fff);--hover:color-mix(in srgb,${accent} 22%,#1b1b20)`
  return `${STYLE}${light}
@media (prefers-color-scheme:dark){:root{${dark}}}
.mark{background:var(--brand);color:#fff}
`
}
