import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { networkReader, type Peer } from './address.ts'
import { createBrowserBinding } from './browser-binding.ts'
import { addConfirmation } from './confirmation.ts'
import { bindBrowser, type Entry } from './entry.ts'
import { createEntryViews, type EntryViewsOptions, type FormState } from './entry-views.ts'
import { type Form, handleOf, MAX_FORM_BYTES, type Pages, readForm } from './forms.ts'
import { createKnownBrowsers } from './known-browsers.ts'
import { CONTENT_SECURITY_POLICY, fill } from './page.ts'
import { createPinCheck, type PinCheck, type PinCheckOptions, type Shown, type Tried } from './pin-check.ts'
import { isPin, MAX_PIN_LENGTH } from './pin-policy.ts'
import { describeError, type Ports } from './ports.ts'
import { normalizeUsername } from './store.ts'

export interface EntryPagesOptions extends EntryViewsOptions, PinCheckOptions {
  /** Whether pages are served over https. Only on this machine they may not be. */
  isSecure: boolean
  /** Header in which a proxy reports the address of the browser. Absent: the address of the connection counts. */
  addressHeader: string | undefined
  pepper: string
  ports: Ports
}

type PageContext = Context<{ Bindings: Peer }>

/** How many PINs are checked at once. Each check takes 32 MiB and a good part of a second of one core. */
const MAX_CHECKS = 32
const BUSY_SECONDS = 5
const ONE_YEAR_SECONDS = 31_536_000

/**
 * The pages where people enter their PIN.
 *
 * The first browser that opens an entry is bound to it by a cookie. All others are rejected. A form is valid only with
 * that cookie and with a token derived from it, for the next attempt. A form that is sent twice, or from another site,
 * does nothing.
 */
export function createEntryPages(options: EntryPagesOptions): Pages {
  const { store, limits, isSecure, ports, returnCheck } = options
  const binding = createBrowserBinding({ isSecure, limits, randomBytes: ports.randomBytes })
  const views = createEntryViews(options, binding)
  const known = createKnownBrowsers({ ...options, randomBytes: ports.randomBytes })
  const networkOf = networkReader(options.addressHeader)
  const { checkPin, end, endReturn } = createPinCheck(options)
  const tryPin = createTries(options, checkPin)
  const triedIn = (c: PageContext): Omit<Tried, 'pin' | 'username'> => ({
    network: networkOf(c),
    knownAs: userId => known.nameOf(c, userId),
    codeHashFor: async entry => (returnCheck === 'code' ? (await binding.proofFor(c, entry)).codeHash : undefined),
  })
  const findEntry = async (c: Context) => {
    const handle = handleOf(c)
    return handle === undefined ? undefined : store.findEntry({ handle })
  }
  const show = (c: Context, shown: Shown, typed?: string) => {
    if (shown.page === 'unknown') return views.unknown(c)
    if (shown.page === 'checking') return views.checking(c, shown.entry)
    return views.entry(c, shown.entry, shown.isWrong && typed !== undefined ? { typed, status: 422 } : {})
  }

  const pages: Pages = new Hono()
  pages.use(async (c, next) => {
    await next()
    protect(c.res.headers, isSecure)
  })
  pages.onError((error, c) => {
    ports.log(describeError('page failed', error))
    return views.failed(c)
  })

  pages.get('/', async c => {
    // HEAD requests come here too. They must not bind a browser.
    if (c.req.method !== 'GET') return c.body(null, 405, { allow: 'GET, POST' })
    const entry = await findEntry(c)
    if (!entry) return views.unknown(c)
    if (entry.browserHash !== undefined) {
      return binding.isBound(c, entry) ? views.entry(c, entry, { isReopened: true }) : views.otherBrowser(c)
    }
    const { key, hash } = binding.newKey()
    const bound = bindBrowser(entry, hash)
    if (!(await store.swapEntry(entry, bound))) return views.otherBrowser(c)
    binding.give(c, entry, key)
    return views.entry(c, bound, { key })
  })

  const forged = (c: Context) => views.forged(c, handleOf(c))
  pages.post('/', bodyLimit({ maxSize: MAX_FORM_BYTES, onError: c => forged(c as Context) }), async c => {
    const entry = await findEntry(c)
    if (!entry) return views.unknown(c)
    const form = await readForm(c)
    if (!form || !binding.isBound(c, entry) || !binding.isToken(c, entry, form.attempt, form.token)) return forged(c)
    if (entry.status !== 'PENDING' || ports.now() >= entry.expiresAt) return views.entry(c, entry)
    if (form.isCancelled) return show(c, await end(entry, 'pin_cancelled'))
    // A double click or a reload sends the form twice. The first request counts, and may still be running.
    if (form.attempt !== entry.attempts) return views.checking(c, entry)
    const tried = await tryPin(entry, form, triedIn(c))
    if ('page' in tried) {
      const isRight = tried.page === 'entry' && tried.entry.status === 'SUCCESS'
      if (isRight && entry.userId === undefined) known.give(c, tried.entry.userId ?? '')
      return show(c, tried, form.username)
    }
    if (tried.status === 503) c.header('retry-after', String(BUSY_SECONDS))
    return views.entry(c, entry, { typed: form.username, ...tried })
  })
  addConfirmation(pages, options, { binding, views, networkOf, end: endReturn })
  return pages
}

/** Tries the PIN of a form. If the input is invalid, returns the form again without counting an attempt. */
function createTries({ texts }: EntryPagesOptions, checkPin: PinCheck['checkPin']) {
  let checks = 0
  const again = (text: string, field: 'username' | 'pin', status: 422 | 503 = 422): FormState => ({
    error: { text, field },
    status,
  })
  return async (entry: Entry, form: Form, where: Omit<Tried, 'pin' | 'username'>): Promise<Shown | FormState> => {
    const username = normalizeUsername(form.username)
    if (entry.userId === undefined && username === '') return again(texts.usernameMissing, 'username')
    if (!isPin(form.pin)) return again(fill(texts.pinMalformed, { longest: MAX_PIN_LENGTH }), 'pin')
    if (checks >= MAX_CHECKS) return again(texts.busy, 'pin', 503)
    checks++
    try {
      return await checkPin(entry, { ...where, pin: form.pin, username })
    } finally {
      checks--
    }
  }
}

function protect(headers: Headers, isSecure: boolean): void {
  headers.set('content-security-policy', CONTENT_SECURITY_POLICY)
  headers.set('x-frame-options', 'DENY')
  headers.set('x-content-type-options', 'nosniff')
  headers.set('cache-control', 'no-store')
  headers.set('referrer-policy', 'no-referrer')
  if (isSecure) headers.set('strict-transport-security', `max-age=${ONE_YEAR_SECONDS}`)
}
