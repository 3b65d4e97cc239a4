import { loginWithPopup } from './popup.js'

// The pages also work without this script.

const choice = document.querySelector('#popup')
const status = document.querySelector('#popup-status')

if (choice) {
  choice.checked = remembered() !== 'no'
  choice.addEventListener('change', () => remember(choice.checked ? 'yes' : 'no'))
  choice.closest('.popup').hidden = false
}

// A login opens a window instead of leaving the page.
document.addEventListener('click', async (event) => {
  const link = event.target.closest?.('a[data-login]')
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
  // Inside a frame, a window would have another session: such a link leaves the frame.
  if (!link || !plain || link.target === '_top') return
  // The second half of a double click begins no other login: without a session yet, the browser might keep its cookie.
  if (event.detail > 1) return event.preventDefault()
  if (!choice?.checked) return
  event.preventDefault()
  const provider = link.dataset.login
  status.textContent = link.dataset.waiting
  const { ok, code } = await loginWithPopup(provider, { returnTo: '/' })
  if (ok) location.assign('/')
  else if (code) location.assign(`/?${new URLSearchParams({ error: code, provider })}`)
  else status.textContent = status.dataset.closed
})

// Searches at the beginning of each word, in both languages.
const search = document.querySelector('#search')
if (search) {
  const found = document.querySelector('#found')
  const items = [...document.querySelectorAll('.logins > [data-words]')]
  search.closest('.search').hidden = false
  search.addEventListener('input', () => {
    const typed = wordsOf(search.value)
    for (const item of items) {
      const words = wordsOf(`${item.dataset.words} ${item.textContent}`)
      item.hidden = !typed.every((part) => words.some((word) => word.startsWith(part)))
    }
    found.textContent = items.every((item) => item.hidden) ? found.dataset.none : ''
  })
  // Enter chooses the only match.
  search.addEventListener('keydown', (event) => {
    const left = items.filter((item) => !item.hidden)
    // While an input method composes, Enter confirms its candidate.
    if (event.key === 'Enter' && !event.isComposing && left.length === 1) left[0].querySelector('a').click()
  })
}

// Counts down a token's lifetime; shortly before its end, the app is asked to refresh it.
const LEAD = 298 // the app refreshes from 300 seconds on; this leaves a margin
for (const life of document.querySelectorAll('[data-life]')) {
  const [clock, bar, word] = ['time', 'progress', '[role=status]'].map((part) => life.querySelector(part))
  let ends = performance.now() + life.dataset.left * 1000
  let asking = false
  const show = () => {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000))
    bar.value = left
    clock.textContent = written(left)
    return left
  }
  const beat = async () => {
    const left = show()
    if (left === 0 && !('renews' in life.dataset)) {
      clearInterval(beats)
      clock.parentElement.textContent = life.dataset.ended
      return
    }
    if (!('renews' in life.dataset) || asking || left > LEAD || document.hidden) return
    asking = true
    const { secondsLeft } = await post(`/tokens/${life.dataset.life}/refresh`, life.dataset.life)
    setTimeout(() => {
      asking = false
    }, 5_000) // after a response without a change, do not ask every second
    if (!(secondsLeft > left)) return
    ends = performance.now() + secondsLeft * 1000
    bar.max = secondsLeft
    show()
    word.textContent = life.dataset.renewed
    life.classList.add('renewed')
    setTimeout(() => life.classList.remove('renewed'), 3000)
  }
  const beats = setInterval(beat, 1000)
}

// Requests a balance again without leaving the page.
for (const form of document.querySelectorAll('form[data-refreshes]')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const button = form.querySelector('button')
    if (button.ariaBusy) return
    button.ariaBusy = 'true'
    const { balance } = await post(form.action, form.dataset.refreshes)
    button.ariaBusy = null
    if (balance === undefined) return
    const amount = document.querySelector(`[data-balance="${form.dataset.refreshes}"]`)
    amount.textContent = balance
    amount.classList.add('renewed')
    amount.nextElementSibling.textContent = form.dataset.fresh
    setTimeout(() => {
      amount.classList.remove('renewed')
      amount.nextElementSibling.textContent = ''
    }, 3000)
  })
}

/** The app's response; a failure is shown by the page with the sentences for it. */
async function post(address, provider) {
  try {
    const answer = await fetch(address, { method: 'POST', headers: { accept: 'application/json' } })
    const { error, ...told } = await answer.json()
    if (error?.code) location.assign(`/?${new URLSearchParams({ error: error.code, provider })}`)
    return told
  } catch {
    return {} // offline: the page stays as it is
  }
}

function wordsOf(text) {
  return text
    .toLowerCase()
    .split(/[\s()/-]+/)
    .filter((word) => word !== '')
}

function written(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, '0')
  const hours = seconds >= 3600 ? `${Math.floor(seconds / 3600)}:` : ''
  return `${hours}${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
}

// Storage may be unavailable.
function remembered() {
  try {
    return localStorage.getItem('popup')
  } catch {
    return null
  }
}

function remember(value) {
  try {
    localStorage.setItem('popup', value)
  } catch {}
}
