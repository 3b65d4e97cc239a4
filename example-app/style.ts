import { createHash } from 'node:crypto'

export const STYLE = `
:root{color-scheme:light dark;--ink:#1c1f26;--soft:#5b6270;--line:#d9dce3;--paper:#f5f6f8;--card:#fff;--focus:#2563eb}
@media (prefers-color-scheme:dark){:root{--ink:#eef0f4;--soft:#a3abba;--line:#343a46;--paper:#14161b;--card:#1d2027;--focus:#7aa7ff}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem 1rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei",sans-serif}
main{width:100%;max-width:26rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;padding:2rem 1.5rem}
h1{margin:0;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}
h2{margin:1.75rem 0 .6rem;font-size:.95rem;color:var(--soft)}
.lead{margin:.25rem 0 0;color:var(--soft)}
nav{display:grid;gap:.6rem;margin-top:1.5rem}
h2+nav{margin-top:0}
.button{display:flex;align-items:center;gap:.8rem;padding:.65rem .8rem;border:1px solid var(--line);border-radius:.7rem;color:inherit;
text-decoration:none;font-weight:550}
.button:hover{border-color:var(--soft)}
a:focus-visible,button:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.mark{flex:none;display:grid;place-items:center;width:2.1rem;height:2.1rem;border-radius:.55rem;background:#4b5563;color:#fff;
font-size:.85rem;font-weight:700}
.mark.tailchat{background:#0f766e}.mark.tapd{background:#1d4ed8}.mark.bbscloud{background:#b45309}
.mark.tiktok{background:#111318;box-shadow:inset 0 0 0 1px #555b66}.mark.aihubmix{background:#7c3aed}
header{display:flex;align-items:center;gap:1rem}header .lead{margin:0}
.avatar{flex:none;width:72px;height:72px;border-radius:50%;object-fit:cover;background:var(--line)}
span.avatar{display:grid;place-items:center;font-size:1.8rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem;margin:1.5rem 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.logins{list-style:none;margin:0;padding:0;display:grid;gap:.6rem}
.logins li{display:flex;align-items:center;gap:.8rem}.logins span{overflow-wrap:anywhere}
small{display:block;color:var(--soft);font-size:.85rem}
.failure{margin:0 0 1.5rem;padding:.8rem 1rem;border:1px solid var(--line);border-left:.3rem solid #d97706;border-radius:.5rem}
.failure p{margin:.25rem 0 .4rem}.failure a{color:inherit}
button.plain{margin-top:1.75rem;width:100%;padding:.65rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);
border-radius:.7rem;cursor:pointer}
`
export const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')
